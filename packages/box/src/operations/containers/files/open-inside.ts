import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { bind, check } from '@boxkit/linux';

const syscall = bind('long syscall(long number, int directory, const void *path, const void *how, size_t size)');

/** The same on every machine. */
const openat2 = 437;
const O_CLOEXEC = 0o2_000_000;
const O_PATH = 0o10_000_000;
/** openat2(2): a path and all its symlinks are resolved as if the directory were the root, whoever changes it meanwhile. */
const RESOLVE_IN_ROOT = 0x10;

/** Opens a directory below another, which nothing leads out of. Throws SystemCallError. The caller closes it. */
export function openDirectoryIn(root: number, path: string | Buffer): number {
  return openIn(root, path, constants.O_RDONLY | constants.O_DIRECTORY);
}

/** The absolute path, inside of the root, of what a path leads to through its symlinks. Throws SystemCallError. */
export function followInside(root: number, path: string): string {
  const [top, found] = [readlinkSync(`/proc/self/fd/${root}`), openIn(root, path, O_PATH)];
  try {
    const real = readlinkSync(`/proc/self/fd/${found}`);
    return top === '/' ? real : real.slice(top.length) || '/';
  } finally {
    closeSync(found);
  }
}

function openIn(root: number, path: string | Buffer, flags: number): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT), 16);
  const name = Buffer.concat([Buffer.from(path as string), Buffer.of(0)]);
  return check(syscall(openat2, root, name, how, how.length), 'openat2', path);
}

/** Opens a root for `openDirectoryIn`. */
export function openRoot(path: string): { readonly fd: number } & Disposable {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}
