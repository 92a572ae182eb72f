import type { SystemCall } from '@boxkit/contracts';

/** What to do about a system call that the kernel refused, where its cause is known to be the caller's own wish. */
export function setupHint({ name, args, label }: SystemCall, errno: string): string | undefined {
  if (label === 'working directory') return workingDirectoryHints[errno];
  if (name === 'move_mount' && (errno === 'EINVAL' || errno === 'ENOTDIR')) {
    return 'A file is mounted on a file and a directory on a directory: see what the image has there.';
  }
  if (name === 'mount' && args[2] === 'tmpfs' && errno === 'EINVAL') {
    return 'Its uid= and gid= must be ids of the container; without subordinate ids (/etc/subuid) that is 0 alone.';
  }
  return undefined;
}

const workingDirectoryHints: Readonly<Record<string, string>> = {
  ENOENT: 'Name a directory that the container has.',
  ENOTDIR: 'Name a directory of the container: something on this path is a file.',
  ELOOP: 'Name a directory of the container, without a link of /proc or symlinks in a circle on its path.',
};
