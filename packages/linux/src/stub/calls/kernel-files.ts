import type { SystemCall } from '@boxkit/contracts';
import {
  AT_FDCWD,
  FSCONFIG_CMD_CREATE,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_SAFE,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
} from '../constants.ts';
import { enterPlainDirectory } from './paths.ts';

const safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;

/** Paths that tell about the host or change it; docker's list. */
export const maskedFiles = [
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/interrupts',
] as const;
export const maskedDirectories = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
] as const;
export const readOnlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'] as const;

/**
 * Makes the file systems of the kernel, placed nowhere yet. In a user namespace the kernel allows it only while the
 * host's own are still in the mount namespace, and at their places the image must not be in the way.
 */
export function prepareKernelFiles(options: { readonly sys: boolean }): readonly SystemCall[] {
  return [
    ...prepare('proc', MOUNT_ATTR_SAFE, 'the processes of this PID namespace'),
    ...(options.sys ? prepare('sysfs', MOUNT_ATTR_SAFE | MOUNT_ATTR_RDONLY, 'read-only kernel objects') : []),
  ];
}

function prepare(type: string, attributes: number, why: string): readonly SystemCall[] {
  const context = `new ${type}`;
  return [
    { name: 'fsopen', args: [type, FSOPEN_CLOEXEC], why, label: context },
    { name: 'fsconfig', args: [{ result: context }, FSCONFIG_CMD_CREATE, null, null, 0], why },
    { name: 'fsmount', args: [{ result: context }, FSMOUNT_CLOEXEC, attributes], why, label: `mount ${type}` },
    { name: 'close', args: [{ result: context }], why: 'not needed any more' },
  ];
}

/** Puts a fresh /proc and, where there is one, /sys in place. */
export function placeKernelFiles(options: { readonly sys: boolean }): readonly SystemCall[] {
  return [...place('proc', '/proc'), ...(options.sys ? place('sysfs', '/sys') : [])];
}

function place(type: string, path: string): readonly SystemCall[] {
  return [
    ...enterPlainDirectory(path),
    {
      name: 'move_mount',
      args: [{ result: `mount ${type}` }, '', AT_FDCWD, '.', MOVE_MOUNT_F_EMPTY_PATH],
      why: `the container's ${path}`,
    },
    { name: 'chdir', args: ['/'], why: `up to the new ${path}` },
  ];
}

/** Hides or freezes what container engines hide and freeze. */
export function hideKernelFiles(): readonly SystemCall[] {
  const calls: SystemCall[] = [];
  for (const path of maskedFiles) {
    calls.push({
      name: 'mount',
      args: ['/dev/null', path, null, MS_BIND, null],
      why: 'it tells about the host',
      ignore: ['ENOENT', 'ENOTDIR'],
    });
  }
  for (const path of maskedDirectories) {
    calls.push({
      name: 'mount',
      args: ['tmpfs', path, 'tmpfs', safe | MS_RDONLY, 'size=0k'],
      why: 'it tells about the host',
      ignore: ['ENOENT', 'ENOTDIR'],
    });
  }
  for (const path of readOnlyPaths) calls.push(...freeze(path));
  return calls;
}

function freeze(path: string): readonly SystemCall[] {
  const frozen = { why: 'it changes the host', ignore: ['ENOENT'] };
  return [
    { name: 'mount', args: [path, path, null, MS_BIND | MS_REC, null], ...frozen },
    { name: 'mount', args: [null, path, null, MS_REMOUNT | MS_BIND | MS_RDONLY | safe, null], ...frozen },
  ];
}
