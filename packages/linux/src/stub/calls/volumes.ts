import type { Mount, SystemCall } from '@boxkit/contracts';
import {
  AT_FDCWD,
  AT_RECURSIVE,
  AT_REMOVEDIR,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_SYMLINKS,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  OPEN_TREE_CLONE,
} from '../constants.ts';
import { makeDirectories, makeFile } from './paths.ts';
import { setNoDevices, setOptions, setReadOnly } from './mount-attributes.ts';

/** A mount of the bundle, and whether its source is a directory, as it was when the plan was made. */
export interface VolumeMount {
  readonly mount: Mount;
  readonly directory: boolean;
}

/** Takes hold of the sources; made while the host's root is in reach. */
export function borrowVolumes(volumes: readonly VolumeMount[]): readonly SystemCall[] {
  return volumes.flatMap(({ mount }, at): readonly SystemCall[] =>
    mount.type === 'bind' && mount.source !== undefined ? borrow(mount.source, label(at), mount) : [],
  );
}

/** Whether device nodes mean something in a mount: the caller named one of the host's /dev, or says so. */
export function hasDevices({ devices, source = '' }: Mount): boolean {
  return devices ?? source.startsWith('/dev/');
}

function borrow(source: string, label: string, mount: Mount): readonly SystemCall[] {
  const calls: SystemCall[] = [
    {
      name: 'open_tree',
      args: [AT_FDCWD, source, OPEN_TREE_CLONE | AT_RECURSIVE],
      why: `${source}, while it is in reach`,
      label,
    },
  ];
  const whole = { at: { result: label }, recursive: true };
  if (!hasDevices(mount)) calls.push(setNoDevices({ ...whole, why: 'nor do devices of the host there' }));
  if (mount.readOnly) calls.push(setReadOnly({ ...whole, why: `${source} is read-only` }));
  calls.push(...setOptions(mount.options ?? [], { ...whole, why: `as asked for ${mount.target}` }));
  return calls;
}

/** Takes hold of volumes that a host program has mounted at `/dev/.box/<position>`, and clears that place. */
export function collectVolumes(volumes: readonly VolumeMount[]): readonly SystemCall[] {
  const calls = volumes.flatMap(({ mount, directory }, at): readonly SystemCall[] => {
    if (mount.type !== 'bind') return [];
    const staged = `${stagedVolumes}/${at}`;
    const why = 'its mount is held';
    return [
      ...borrow(staged, label(at), mount),
      { name: 'umount2', args: [staged, MNT_DETACH], why },
      { name: 'unlinkat', args: [AT_FDCWD, staged, directory ? AT_REMOVEDIR : 0], why },
    ];
  });
  if (calls.length === 0) return [];
  return [...calls, { name: 'unlinkat', args: [AT_FDCWD, stagedVolumes, AT_REMOVEDIR], why: 'it has served' }];
}

/** Where a host program mounts volumes before they are placed. */
export const stagedVolumes = '/dev/.box';

/** Whether a mount lies on the /dev that the container gets, and so comes after it. */
export function liesInDev({ mount }: VolumeMount): boolean {
  return mount.target.startsWith('/dev/');
}

/**
 * Mounts those volumes of the list that `chosen` names. A symlink of the image in a target's way is followed inside the
 * root only, and before /proc, /sys and /dev are there.
 */
export function placeVolumes(
  volumes: readonly VolumeMount[],
  chosen: (volume: VolumeMount) => boolean,
): readonly SystemCall[] {
  return volumes.flatMap((volume, at) => (chosen(volume) ? placeVolume(volume, at) : []));
}

function placeVolume({ mount, directory }: VolumeMount, at: number): readonly SystemCall[] {
  const { target } = mount;
  const why = `a place for the volume ${target}`;
  const made = directory
    ? makeDirectories(target, why)
    : [...makeDirectories(target.slice(0, target.lastIndexOf('/')), why), makeFile(target, why)];
  if (mount.type === 'tmpfs') return [...made, ...mountTmpfs(mount)];
  return [
    ...made,
    {
      name: 'move_mount',
      args: [{ result: label(at) }, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS],
      why: `the volume ${mount.source ?? ''}`,
    },
  ];
}

/** Options of mount(8) that are flags of mount(2); nosuid and nodev cannot be taken away. */
const tmpfsFlags = new Map([
  ['exec', 0],
  ['noexec', MS_NOEXEC],
  ['nosuid', MS_NOSUID],
  ['nodev', MS_NODEV],
]);

function mountTmpfs({ target, options = [], readOnly }: Mount): readonly SystemCall[] {
  const given = options.includes('exec') ? options : ['noexec', ...options];
  const flags = given.reduce((sum, option) => sum | (tmpfsFlags.get(option) ?? 0), MS_NOSUID | MS_NODEV);
  const data = options.filter((option) => !tmpfsFlags.has(option)).join(',');
  const mounted: SystemCall = {
    name: 'mount',
    args: ['tmpfs', target, 'tmpfs', flags, data],
    why: `a file system in memory at ${target}`,
  };
  return readOnly
    ? [mounted, setReadOnly({ at: AT_FDCWD, path: target, why: `${target} is read-only`, recursive: false })]
    : [mounted];
}

function label(at: number): string {
  return `volume ${at}`;
}
