import { closeSync, openSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { RunRequest } from './harness.ts';
import type { SuiteContext } from './suite-context.ts';

/** What a shell tries; it prints `done` where it succeeds. */
interface Attack {
  readonly name: string;
  readonly script: string;
  /** What is done before, where CAP_SYS_ADMIN and its system calls are given, so that it succeeds. */
  readonly opened?: string;
  /** What else must be given for that. */
  readonly given?: RunRequest;
  /** Whose capabilities it takes: those of a user namespace are enough, or only the host's are, or not even those. */
  readonly takes: 'own' | 'host' | 'more';
}

/** In the container's own namespaces at most. */
const administration: readonly Attack[] = [
  { name: 'mounting', script: 'mkdir -p /m; mount -t tmpfs none /m && echo done', takes: 'own' },
  // what is mounted below would keep a plain umount from it
  { name: 'unmounting', script: 'umount -l /proc && echo done', takes: 'own' },
  { name: 'remounting /proc/sys', script: 'mount -o remount,rw,bind /proc/sys && echo done', takes: 'own' },
  { name: 'a new user namespace', script: 'unshare -U true && echo done', takes: 'own' },
  { name: 'a new mount namespace', script: 'unshare -m true && echo done', takes: 'own' },
  { name: 'setting the hostname', script: 'hostname evil && echo done', takes: 'own' },
  // of cgroup v1: whose release_agent the host's kernel would execute
  {
    name: 'a hierarchy of cgroups',
    script: 'mkdir -p /c; mount -t cgroup2 none /c && test -e /c/cgroup.procs && echo done',
    takes: 'own',
  },
];

const readZero = (path: string): string => `test "$(head -c 1 ${path} | wc -c)" = 1 && echo done`;
const withDevices = (directory: string): string => `mount -o remount,bind,dev ${directory}`;
const disk = diskNumbers();
/** A virtual machine may keep its disk from its own root. */
const takesOfDisk = isReadable(`/dev/block/${disk.join(':')}`) ? 'host' : 'more';

/** Files of the kernel's, and nodes of its devices. */
const kernelFiles: readonly Attack[] = [
  {
    name: 'a device of the host',
    script: `mknod /zero c 1 5; ${readZero('/zero')}`,
    opened: withDevices('/'),
    takes: 'host',
  },
  {
    name: 'a device of the host in /dev',
    script: `mknod /dev/zero2 c 1 5; ${readZero('/dev/zero2')}`,
    opened: withDevices('/dev'),
    takes: 'host',
  },
  {
    name: 'a device of the host in memory',
    script: `mknod /dev/shm/zero c 1 5; ${readZero('/dev/shm/zero')}`,
    opened: withDevices('/dev/shm'),
    takes: 'host',
  },
  {
    name: 'the disk',
    script: `mknod /disk b ${disk.join(' ')}; ${readZero('/disk')}`,
    opened: withDevices('/'),
    takes: takesOfDisk,
  },
  {
    name: 'the disk in /dev',
    script: `mknod /dev/disk b ${disk.join(' ')}; ${readZero('/dev/disk')}`,
    opened: withDevices('/dev'),
    takes: takesOfDisk,
  },
  {
    name: 'the kernel log',
    script: 'dd if=/dev/kmsg of=/dev/null bs=8k count=1 && echo done',
    given: {
      mounts: [{ type: 'bind', source: '/dev/kmsg', target: '/dev/kmsg', readOnly: false }],
      capAdd: ['SYSLOG'],
    },
    takes: 'host',
  },
  {
    name: 'a core pattern',
    // what it is already
    script: 'f=/proc/sys/kernel/core_pattern; was=$(cat $f); echo "$was" > $f && echo done',
    opened: 'mount -o remount,rw,bind /proc/sys',
    takes: 'host',
  },
  {
    name: 'what is masked of /proc',
    script: 'grep -q . /proc/keys /proc/timer_list && echo done',
    opened: 'umount /proc/keys',
    takes: 'own',
  },
  {
    name: 'a setting of /sys',
    script: 'f=/sys/kernel/rcu_normal; was=$(cat $f) && echo "$was" > $f && echo done',
    opened: 'mkdir -p /s /sys; mount -t sysfs none /s; mount --bind /s /sys',
    takes: 'host',
  },
  {
    name: 'what the kernel tells those who debug it',
    script: 'ls /sys/kernel/debug/* /sys/kernel/tracing/* && echo done',
    opened:
      'mkdir -p /s /sys; mount -t sysfs none /s; mount --bind /s /sys; mount -t debugfs none /sys/kernel/debug; mount -t tracefs none /sys/kernel/tracing',
    takes: 'host',
  },
];

/** Attempts of a shell, each with the proof that it succeeds where what keeps it is taken away. */
export function kernelFileAttacks(context: SuiteContext): void {
  // a chroot shares the host's name, and the kernel lets nobody in it make a user namespace
  const shared = context.can('uts-namespace') ? [] : ['setting the hostname', 'a new user namespace'];

  test.each([...administration, ...kernelFiles])('$name is refused, and is not where it is allowed', async (attack) => {
    const { name, script, opened = 'true', given = {}, takes } = attack;
    const attempt = async (tried: string, request?: RunRequest): Promise<string> =>
      context.harness.attempt(`(${tried}) 2>/dev/null`, request);
    expect(await attempt(script)).not.toMatch(/done$/);
    const able = takes === 'own' || (takes === 'host' && context.privilege === 'root');
    if (shared.includes(name) || !able) return;
    const capAdd = ['SYS_ADMIN', ...(given.capAdd ?? [])];
    expect(await attempt(`${opened}; ${script}`, { ...given, capAdd, seccomp: 'unconfined' })).toMatch(/done$/);
  });
}

/** Major and minor number of the device that the host's root is on. makedev(3). */
function diskNumbers(): readonly [major: number, minor: number] {
  const { dev } = statSync('/');
  return [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xf_ff00)];
}

function isReadable(device: string): boolean {
  try {
    closeSync(openSync(device, 'r'));
    return true;
  } catch {
    return false;
  }
}
