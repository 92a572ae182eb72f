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
  /** Names this call within its list, so that others can go to it or use its result. */
  readonly label?: string;
  /** Where to go on, by label, instead of at the next call. `error` is taken for the errors of `ignore` only. */
  readonly next?: { readonly zero?: string; readonly positive?: string; readonly error?: string };
}

export type SystemCallArgument =
  | number
  | bigint
  /** A path or another string, passed with a closing NUL. */
  | string
  /** An array of strings, closed by a null pointer (argv, envp). */
  | readonly string[]
  | { readonly bytes: Uint8Array }
  /** The result of the call of that label, or at that position of the list. */
  | { readonly result: string | number }
  /** A pointer to zeroed memory of that name, `size` bytes long; every call that gives the name shares it. */
  | { readonly buffer: string; readonly size: number }
  /** The 64-bit word that stands in the named buffer, `offset` bytes from its start, when the call is made. */
  | { readonly value: string; readonly offset: number }
  /** A pointer to 64-bit words: a structure with pointers in it. */
  | { readonly words: readonly SystemCallArgument[] }
  | null;
