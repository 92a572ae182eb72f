import type { SystemCall } from '@boxkit/contracts';
import { MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_REC, MS_REMOUNT } from '../constants.ts';
import { mountHere } from './devices.ts';
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

/** A fresh /proc, with what concerns the host hidden or read-only. Made after /dev. */
export function makeProc(): readonly SystemCall[] {
  return [
    ...enterPlainDirectory('/proc'),
    mountHere('proc', safe, null, 'the processes of this PID namespace'),
    { name: 'chdir', args: ['/'], why: 'up to the new /proc' },
  ];
}

/** A read-only /sys, which shows the network namespace's own devices; only its owner may mount it. */
export function makeSys(): readonly SystemCall[] {
  return [
    ...enterPlainDirectory('/sys'),
    mountHere('sysfs', safe | MS_RDONLY, null, 'read-only kernel objects'),
    { name: 'chdir', args: ['/'], why: 'up to the new /sys' },
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
