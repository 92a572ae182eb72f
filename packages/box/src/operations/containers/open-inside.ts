import { closeSync, constants, openSync } from 'node:fs';
import { bind, check } from '@boxkit/linux';

const syscall = bind('long syscall(long number, int directory, const void *path, const void *how, size_t size)');

/** The same on every machine. */
const openat2 = 437;
const O_CLOEXEC = 0o2_000_000;
/** openat2(2): a path and all its symlinks are resolved as if the directory were the root, whoever changes it meanwhile. */
const RESOLVE_IN_ROOT = 0x10;

/** Opens a directory below another, which nothing leads out of. Throws SystemCallError. The caller closes it. */
export function openDirectoryIn(root: number, path: string): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT), 16);
  return check(syscall(openat2, root, Buffer.from(`${path}\0`), how, how.length), 'openat2', path);
}

/** Opens a root for `openDirectoryIn`. */
export function openRoot(path: string): { readonly fd: number } & Disposable {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}
