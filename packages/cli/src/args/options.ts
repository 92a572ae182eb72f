/** One option of a command. The key it stands under is its long name. */
export interface OptionSpec {
  /**
   * `flag` takes no value (or `=true`, `=false`) and is false when left out, `switch` the same but undefined when left
   * out; `value` takes one and may stand once; `list` may be repeated.
   */
  readonly type: 'flag' | 'switch' | 'value' | 'list';
  /** One letter. */
  readonly short?: string;
  /** What the value is, for the help: `DIR`. */
  readonly placeholder?: string;
  readonly summary: string;
  /** The only values allowed. */
  readonly choices?: readonly string[];
  /** Said beside a value that is none of the choices. */
  readonly hint?: string;
  /** Another long name, as other tools have it. */
  readonly alias?: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** What is said about options of other tools that box has not, by what is typed: `--privileged`. */
export type ForeignOptions = Readonly<Record<string, string>>;

/** What parsing gives for a set of options: by long name. */
export type OptionValues<Specs extends OptionSpecs> = {
  readonly [Name in keyof Specs]: Specs[Name]['type'] extends 'flag'
    ? boolean
    : Specs[Name]['type'] extends 'list'
      ? readonly string[]
      : Specs[Name]['type'] extends 'switch'
        ? boolean | undefined
        : string | undefined;
};

/** What stands on a command line beside options. */
export interface OperandSpec {
  /** As the usage line shows them: `REF [ARG...]`. */
  readonly usage: string;
  readonly min: number;
  readonly max: number;
  /**
   * Options end at the first operand, so that all that follows is a container's own.
   */
  readonly endOptions?: boolean;
}
