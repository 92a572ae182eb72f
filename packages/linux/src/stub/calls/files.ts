import type { Bundle, SystemCall } from '@boxkit/contracts';
import {
  AT_FDCWD,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_SYMLINKS,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  OPEN_TREE_CLONE,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_WRONLY,
} from '../constants.ts';
import { containerMark } from '../container-mark.ts';
import { enterPlainDirectory, makeDirectories, makeFile } from './paths.ts';

/** The files of /etc that a container gets from its engine, by path. */
function engineFiles(bundle: Bundle): ReadonlyMap<string, string> {
  const files = new Map<string, string>([['/etc/hostname', `${bundle.hostname}\n`]]);
  if (bundle.hosts !== undefined) files.set('/etc/hosts', bundle.hosts);
  if (bundle.resolvConf !== undefined) files.set('/etc/resolv.conf', bundle.resolvConf);
  // a volume at the same place is the caller's own wish
  for (const { target } of bundle.mounts) files.delete(target);
  return files;
}

/**
 * Puts the files in place as mounts, so that the rootfs keeps its own. They are written to a file system in memory
 * that lies on /proc for a moment, the only directory that is known to be none of the image's symlinks, and whose
 * name is the container's mark.
 */
export function placeFiles(bundle: Bundle): readonly SystemCall[] {
  const files = engineFiles(bundle);
  if (files.size === 0) return [];
  const contents = [...files];
  return [
    ...enterPlainDirectory('/proc'),
    {
      name: 'mount',
      args: [containerMark(bundle.containerId), '.', 'tmpfs', MS_NOSUID | MS_NODEV | MS_NOEXEC, 'mode=755'],
      why: 'a place to write files to for a moment, whose name tells whose processes see them',
    },
    { name: 'chdir', args: ['/'], why: 'up to it' },
    ...contents.flatMap(([path, content], at) => writeFile(`/proc/${at}`, path, content)),
    { name: 'umount2', args: ['/proc', MNT_DETACH], why: 'the files live on in their own mounts' },
    ...makeDirectories('/etc', 'a place for the files'),
    ...contents.flatMap(([path]) => placeFile(path)),
  ];
}

function writeFile(temporary: string, path: string, content: string): readonly SystemCall[] {
  const opened = `write ${path}`;
  const bytes = Buffer.from(content);
  const why = `the container's ${path}`;
  return [
    {
      name: 'openat',
      args: [AT_FDCWD, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644],
      why,
      label: opened,
    },
    { name: 'write', args: [{ result: opened }, { bytes }, bytes.length], why },
    { name: 'close', args: [{ result: opened }], why: 'written' },
    { name: 'open_tree', args: [AT_FDCWD, temporary, OPEN_TREE_CLONE], why, label: `mount ${path}` },
  ];
}

function placeFile(path: string): readonly SystemCall[] {
  const why = `a place for ${path}`;
  return [
    makeFile(path, why),
    {
      name: 'faccessat',
      args: [AT_FDCWD, path, 0],
      why: 'see whether a symlink of the image leads nowhere',
      ignore: 'any',
      next: { zero: `place ${path}` },
    },
    { name: 'unlinkat', args: [AT_FDCWD, path, 0], why: 'it makes way' },
    makeFile(path, why),
    {
      name: 'move_mount',
      args: [{ result: `mount ${path}` }, '', AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS],
      why: `the container's ${path}`,
      label: `place ${path}`,
    },
  ];
}
