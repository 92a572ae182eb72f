import { release } from 'node:os';
import { dirname, relative } from 'node:path';
import type { OverlayRootfs, SystemCall } from '@boxkit/contracts';

export interface OverlayMountOptions {
  /** Where in the final list the first of these calls stands: a later one refers to an earlier one's result by position. Default 0. */
  readonly position?: number;
  /** The kernel's release, `6.8.0-1`; default this machine's. Decides the form. */
  readonly kernel?: string;
}

const FSOPEN_CLOEXEC = 1;
const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const FSMOUNT_CLOEXEC = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const AT_FDCWD = -100;

/** fsconfig(2) takes strings of 255 bytes, mount(2) a page of options. */
const longestValue = 255;
const longestOptions = 4000;

/**
 * Some kernels are built to record a renamed directory by where it was, and a changed mode without the content: then the
 * upper directory alone does not tell what a container holds. With `userxattr` the kernel does neither.
 */
const wholeUpper = [
  ['redirect_dir', 'nofollow'],
  ['metacopy', 'off'],
] as const;

/**
 * The calls that mount an overlay rootfs at its target, for any number of layers that the kernel takes (500). They
 * leave the working directory changed. Since Linux 6.8 the layers are added one by one (`lowerdir+`), so that no
 * option string can be too long for them; before, mount(2) is given paths relative to a common directory, or, when
 * even those pass a page, short symlinks that are made beside the work directory.
 */
export function overlayMountCalls(rootfs: OverlayRootfs, options: OverlayMountOptions = {}): SystemCall[] {
  const base = commonDirectory([...rootfs.lower, rootfs.upper, rootfs.work]);
  const short = (path: string): string => {
    const below = relative(base, path) || '.';
    return below.length < path.length ? below : path;
  };
  const change: SystemCall = { name: 'chdir', args: [base], why: 'layers are named from here, to keep options short' };
  const addsLayers = atLeast(options.kernel ?? release(), 6, 8);
  const fit = [...rootfs.lower, rootfs.upper, rootfs.work].every(
    (path) => Buffer.byteLength(short(path)) <= longestValue,
  );
  if (addsLayers && fit) return [change, ...configure(rootfs, short, (options.position ?? 0) + 1)];
  const whole = mountOptions(rootfs, rootfs.lower.map(short), short);
  if (Buffer.byteLength(whole) <= longestOptions) return [change, mountWith(rootfs, whole)];
  return mountThroughLinks(rootfs);
}

function configure(rootfs: OverlayRootfs, short: (path: string) => string, position: number): SystemCall[] {
  const context = { result: position };
  const set = (key: string, value: string, why: string): SystemCall => ({
    name: 'fsconfig',
    args: [context, FSCONFIG_SET_STRING, key, value, 0],
    why,
  });
  const calls: SystemCall[] = [
    { name: 'fsopen', args: ['overlay', FSOPEN_CLOEXEC], why: 'a new overlay file system' },
    ...rootfs.lower.map((path) => set('lowerdir+', short(path), 'a layer of the image')),
    // Unlike lowerdir+, these two are still unescaped by the kernel.
    set('upperdir', short(rootfs.upper).replaceAll('\\', '\\\\'), 'what the container writes'),
    set('workdir', short(rootfs.work).replaceAll('\\', '\\\\'), "overlayfs's own scratch directory"),
    ...(rootfs.userxattr
      ? [
          {
            name: 'fsconfig',
            args: [context, FSCONFIG_SET_FLAG, 'userxattr', null, 0],
            why: 'marks are in the form that a user namespace may read',
          },
        ]
      : wholeUpper.map(([key, value]) => set(key, value, 'what the container changes is whole in its own layer'))),
    ...(rootfs.volatile === true
      ? [
          {
            name: 'fsconfig',
            args: [context, FSCONFIG_SET_FLAG, 'volatile', null, 0],
            why: 'what is thrown away need not reach the disk',
          },
        ]
      : []),
    { name: 'fsconfig', args: [context, FSCONFIG_CMD_CREATE, null, null, 0], why: 'put it together' },
    { name: 'fsmount', args: [context, FSMOUNT_CLOEXEC, 0], why: 'a mount that is nowhere yet' },
  ];
  return [
    ...calls,
    {
      name: 'move_mount',
      args: [{ result: position + calls.length - 1 }, '', AT_FDCWD, rootfs.target, MOVE_MOUNT_F_EMPTY_PATH],
      why: "the container's layer over the image's",
    },
  ];
}

function mountThroughLinks(rootfs: OverlayRootfs): SystemCall[] {
  const links = `${dirname(rootfs.work)}/l`;
  const names = rootfs.lower.map((_path, position) => position.toString(36));
  const up = (path: string): string => `../${relative(dirname(links), path)}`;
  return [
    { name: 'mkdirat', args: [AT_FDCWD, links, 0o700], why: 'a place for short names of layers', ignore: ['EEXIST'] },
    { name: 'chdir', args: [links], why: 'layers are named from here, to keep options short' },
    ...rootfs.lower.map((path, position): SystemCall => ({
      name: 'symlinkat',
      args: [path, AT_FDCWD, names[position] ?? ''],
      why: 'a short name for a layer',
      ignore: ['EEXIST'],
    })),
    mountWith(rootfs, mountOptions(rootfs, names, up)),
  ];
}

function mountWith(rootfs: OverlayRootfs, options: string): SystemCall {
  return {
    name: 'mount',
    args: ['overlay', rootfs.target, 'overlay', 0, options],
    why: "the container's layer over the image's",
  };
}

function mountOptions(rootfs: OverlayRootfs, lower: readonly string[], short: (path: string) => string): string {
  const escape = (path: string): string => path.replaceAll(/[\\:,]/g, String.raw`\$&`);
  return [
    `lowerdir=${lower.map(escape).join(':')}`,
    `upperdir=${escape(short(rootfs.upper))}`,
    `workdir=${escape(short(rootfs.work))}`,
    ...(rootfs.userxattr ? ['userxattr'] : wholeUpper.map((pair) => pair.join('='))),
    ...(rootfs.volatile === true ? ['volatile'] : []),
  ].join(',');
}

function commonDirectory(paths: readonly string[]): string {
  const [first = '/', ...rest] = paths.map((path) => dirname(path));
  let common = first;
  for (const path of rest)
    while (path !== common && !path.startsWith(common === '/' ? '/' : `${common}/`)) common = dirname(common);
  return common;
}

function atLeast(kernel: string, major: number, minor: number): boolean {
  const [first = 0, second = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return first > major || (first === major && second >= minor);
}
