import type { SystemCall, SystemCallArgument } from '@boxkit/contracts';
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, RESOLVE_NO_MAGICLINKS, S_IFREG } from '../constants.ts';

/** Makes an absolute directory and what is missing above it, 0755. */
export function makeDirectories(path: string, why: string): readonly SystemCall[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.map((_, at) => ({
    name: 'mkdirat',
    args: [AT_FDCWD, `/${parts.slice(0, at + 1).join('/')}`, 0o755],
    why,
    ignore: ['EEXIST', 'EROFS', 'EACCES'],
  }));
}

/** Makes an empty file where there is nothing, for a mount to lie on. */
export function makeFile(path: string, why: string): SystemCall {
  return { name: 'mknodat', args: [AT_FDCWD, path, S_IFREG | 0o644, 0], why, ignore: ['EEXIST', 'EROFS'] };
}

/** Opens a directory without following links of /proc, the only ones that lead out of a root. */
export function openDirectoryInside(path: string, options: { label: string; why: string }): SystemCall {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(O_PATH | O_CLOEXEC | O_DIRECTORY), 0);
  how.writeBigUInt64LE(BigInt(RESOLVE_NO_MAGICLINKS), 16);
  return { name: 'openat2', args: [AT_FDCWD, path, { bytes: how }, how.length], ...options };
}

/** Makes a directory of the root if need be and goes into it, unless the image has put something else there. */
export function enterPlainDirectory(path: string): readonly SystemCall[] {
  const label = `enter ${path}`;
  const directory: SystemCallArgument = { result: label };
  return [
    { name: 'mkdirat', args: [AT_FDCWD, path, 0o755], why: 'a place to mount on', ignore: ['EEXIST'] },
    {
      name: 'openat',
      args: [AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0],
      why: `the image's ${path} must be a directory, no symlink`,
      label,
    },
    { name: 'fchdir', args: [directory], why: `mount on ${path} itself` },
    { name: 'close', args: [directory], why: 'not needed any more' },
  ];
}
