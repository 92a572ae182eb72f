/**
 * One system call, as data. A list of them is what a backend does between its namespaces and the container's
 * program; printed by `box run --plan`, executed by the stub of packages/linux, which knows nothing else.
 */
export interface SystemCall {
  /** As in the kernel's table: `mount`, `pivot_root`, `execve`. */
  readonly name: string;
  readonly args: readonly SystemCallArgument[];
  /** What it is for, in words: `hide the host's root`. */
  readonly why: string;
  /** Errno names that are no failure here: `['EEXIST']`; `'any'` for a call that may fail. */
  readonly ignore?: readonly string[] | 'any';
}

export type SystemCallArgument =
  | number
  | bigint
  /** A path or another string, passed with a closing NUL. */
  | string
  /** An array of strings, closed by a null pointer (argv, envp). */
  | readonly string[]
  | { readonly bytes: Uint8Array }
  /** The result of an earlier call of the list, by its position. */
  | { readonly result: number }
  | null;
