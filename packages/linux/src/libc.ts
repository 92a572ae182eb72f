import { constants } from 'node:os';
import type * as Koffi from 'koffi';
import { BoxError } from '@boxkit/contracts';
import { loadNativePart } from './native-part.ts';

/** A C function that reports failure by -1 and errno. */
export type LibcFunction = (...args: unknown[]) => number;

const names = new Map<number, string>(Object.entries(constants.errno).map(([name, number]) => [number, name]));

let koffi: ReturnType<typeof loadNativePart> | undefined;
let library: Koffi.LibraryHandle | undefined;
/** The errno of the last call that failed. */
let lastFailure = 0;

/** Only what needs a system call pays for loading it. */
function load(): { koffi: ReturnType<typeof loadNativePart>; library: Koffi.LibraryHandle } {
  koffi ??= loadNativePart();
  library ??= koffi.load(null);
  return { koffi, library };
}

/**
 * Binds a function of the C library, on its first call, by its C prototype:
 * `bind('int flock(int fd, int operation)')`. Pass paths as NUL-terminated Buffers (`const void *`): Linux names are bytes.
 * Returns what the function returns; `lastErrno` tells why it failed.
 */
export function bind(prototype: string): LibcFunction {
  let bound: LibcFunction | undefined;
  return (...args) => {
    bound ??= load().library.func(prototype) as unknown as LibcFunction;
    const result = bound(...args);
    // At once: on the way into any function V8 may collect garbage or wait for a thread, which sets errno too.
    if (result === -1) lastFailure = koffi?.errno() ?? 0;
    return result;
  };
}

/** The errno of the last failed call on this thread, by name (`ENOENT`). */
export function lastErrno(): string {
  return errnoName(lastFailure);
}

/** An errno's name, from its number. */
export function errnoName(number: number): string {
  return names.get(number) ?? `errno ${number}`;
}

/** A failed system call: `fields.errno` (by name), `fields.syscall`, `fields.path`. */
export class SystemCallError extends BoxError {
  readonly errno: string;
  readonly syscall: string;

  constructor(syscall: string, errno: string, path?: string | Uint8Array) {
    const shown =
      path === undefined ? '' : ` ${JSON.stringify(typeof path === 'string' ? path : Buffer.from(path).toString())}`;
    super('ERR_BOX_SYSTEM_CALL', `${syscall}${shown}: ${errno}`, {
      fields: { syscall, errno, ...(path === undefined ? {} : { path: String(path) }) },
    });
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** Throws a SystemCallError for a result of -1; gives every other result back. */
export function check(result: number, syscall: string, path?: string | Uint8Array): number {
  if (result === -1) throw new SystemCallError(syscall, lastErrno(), path);
  return result;
}
