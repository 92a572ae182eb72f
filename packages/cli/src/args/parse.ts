import { BoxError } from '@boxkit/contracts';
import type { ForeignOptions, OperandSpec, OptionSpec, OptionSpecs, OptionValues } from './options.ts';
import { nearest } from './suggest.ts';

export interface Parsed<Specs extends OptionSpecs> {
  readonly values: OptionValues<Specs>;
  readonly operands: readonly string[];
}

/**
 * Reads a command line strictly: `--name value`, `--name=value`, `-n value`, `-nvalue`, flags together as `-it`,
 * `--` ends the options. Throws ERR_BOX_USAGE for an unknown option (naming the nearest), a value that is missing
 * or not wanted, an option given twice that takes one value, and too few or too many operands. `foreign` has hints for
 * options that people bring along from other tools.
 */
export function parseArguments<const Specs extends OptionSpecs>(
  args: readonly string[],
  specs: Specs,
  operandSpec: OperandSpec,
  foreign: ForeignOptions = {},
): Parsed<Specs> {
  const reader = new ArgumentReader(args, specs, foreign);
  const operands: string[] = [];
  for (let word = reader.next(); word !== undefined; word = reader.next()) {
    if (word === '--') {
      operands.push(...reader.rest());
    } else if (word.startsWith('--')) {
      reader.readLong(word.slice(2));
    } else if (word.startsWith('-') && word !== '-') {
      reader.readShorts(word.slice(1));
    } else {
      operands.push(word);
      if (operandSpec.endOptions === true) operands.push(...reader.rest());
    }
  }
  checkCount(operands, operandSpec);
  return { values: reader.values() as OptionValues<Specs>, operands };
}

class ArgumentReader {
  readonly #words: string[];
  readonly #specs: OptionSpecs;
  readonly #foreign: ForeignOptions;
  readonly #values = new Map<string, boolean | string | string[]>();

  constructor(args: readonly string[], specs: OptionSpecs, foreign: ForeignOptions) {
    this.#words = [...args];
    this.#specs = specs;
    this.#foreign = foreign;
  }

  next(): string | undefined {
    return this.#words.shift();
  }

  rest(): string[] {
    return this.#words.splice(0);
  }

  readLong(text: string): void {
    const equals = text.indexOf('=');
    const name = this.#longName(equals < 0 ? text : text.slice(0, equals));
    const given = equals < 0 ? undefined : text.slice(equals + 1);
    const spec = this.#specs[name];
    if (spec === undefined || !Object.hasOwn(this.#specs, name))
      throw unknownOption(`--${name}`, this.#specs, this.#foreign);
    if (isFlag(spec)) this.#set(name, spec, parseFlag(`--${name}`, given));
    else this.#set(name, spec, given ?? this.#valueFor(`--${name}`, spec));
  }

  /** The letters after one dash: flags, up to the first that takes the remainder, or the next word, as its value. */
  readShorts(letters: string): void {
    for (let at = 0; at < letters.length; at += 1) {
      const letter = letters.charAt(at);
      const found = Object.entries(this.#specs).find(([, spec]) => spec.short === letter);
      if (found === undefined) throw unknownOption(`-${letter}`, this.#specs, this.#foreign);
      const [name, spec] = found;
      if (isFlag(spec)) {
        this.#set(name, spec, true);
        continue;
      }
      const attached = letters.slice(at + 1).replace(/^=/, '');
      this.#set(name, spec, attached === '' ? this.#valueFor(`-${letter}`, spec) : attached);
      return;
    }
  }

  #longName(written: string): string {
    return Object.entries(this.#specs).find(([, spec]) => spec.alias === written)?.[0] ?? written;
  }

  values(): Record<string, boolean | string | string[] | undefined> {
    const byName: Record<string, boolean | string | string[] | undefined> = {};
    for (const [name, spec] of Object.entries(this.#specs)) {
      byName[name] =
        this.#values.get(name) ?? { flag: false, list: [], switch: undefined, value: undefined }[spec.type];
    }
    return byName;
  }

  #valueFor(option: string, spec: OptionSpec): string {
    const value = this.#words.shift();
    if (value === undefined) throw usage(`option ${option} needs a value (${spec.placeholder ?? 'VALUE'})`);
    return value;
  }

  #set(name: string, spec: OptionSpec, value: boolean | string): void {
    if (typeof value === 'string' && spec.choices !== undefined && !spec.choices.includes(value)) {
      throw usage(`option --${name} is one of ${spec.choices.join(', ')}, not ${JSON.stringify(value)}`, spec.hint);
    }
    const before = this.#values.get(name);
    if (spec.type === 'list') {
      this.#values.set(name, [...(Array.isArray(before) ? before : []), String(value)]);
    } else if (spec.type === 'value' && before !== undefined) {
      throw usage(`option --${name} is given twice`);
    } else {
      this.#values.set(name, value);
    }
  }
}

function isFlag(spec: OptionSpec): boolean {
  return spec.type === 'flag' || spec.type === 'switch';
}

function parseFlag(option: string, given: string | undefined): boolean {
  if (given === undefined || given === 'true') return true;
  if (given === 'false') return false;
  throw usage(`option ${option} takes no value but true and false, not ${JSON.stringify(given)}`);
}

function checkCount(operands: readonly string[], spec: OperandSpec): void {
  if (operands.length < spec.min) throw usage(`too few arguments; wanted: ${spec.usage}`);
  if (operands.length > spec.max) {
    const wanted = spec.max === 0 ? 'none' : spec.usage;
    throw usage(`one argument too many: ${JSON.stringify(operands[spec.max])}; wanted: ${wanted}`);
  }
}

function unknownOption(option: string, specs: OptionSpecs, foreign: ForeignOptions): BoxError {
  if (Object.hasOwn(foreign, option)) return usage(`box has no option ${option}`, foreign[option]);
  const names = Object.keys(specs).map((name) => `--${name}`);
  const near = option.startsWith('--') ? nearest(option, names) : undefined;
  return usage(`unknown option ${option}${near === undefined ? '' : `; did you mean ${near}?`}`);
}

/** An error of the command line itself. */
export function usage(message: string, hint?: string): BoxError {
  return new BoxError('ERR_BOX_USAGE', message, hint === undefined ? {} : { hint });
}
