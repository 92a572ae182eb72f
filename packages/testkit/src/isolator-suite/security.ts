import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SystemCall } from '@boxkit/contracts';
import type { SuiteContext } from './suite-context.ts';

/** Attacks that would succeed against a weak backend. Where the table admits the weakness, that it is there is asserted. */
export function securityTests(context: SuiteContext): void {
  const { can } = context;
  const attempt = async (script: string): Promise<string> => context.harness.attempt(script);

  describe('the boundary', () => {
    test('a second chroot does not lead out', async () => {
      const target = join(context.harness.directory, 'outside');
      await writeFile(target, 'outside');
      const printed = await context.harness.attack([
        { name: 'mkdirat', args: [-100, '/jail', 0o755], why: 'a deeper root', ignore: ['EEXIST'] },
        { name: 'chroot', args: ['/jail'], why: 'the working directory is outside of it' },
        { name: 'chdir', args: ['../'.repeat(40)], why: 'climb' },
        { name: 'chroot', args: ['.'], why: 'the root of roots' },
        ...printFile(target),
      ]);
      // the documented weakness of a backend that is no boundary
      expect(printed).toBe(can('filesystem') ? '' : 'outside');
    });

    test('a process of the host cannot be traced', async () => {
      const printed = await context.harness.attack([
        { name: 'ptrace', args: [0x4206, process.pid, 0, 0], why: 'PTRACE_SEIZE' },
        { name: 'write', args: [1, 'traced', 6], why: 'success' },
        { name: 'exit_group', args: [0], why: 'end' },
      ]);
      expect(printed).toBe('');
    });

    test.each<[string, readonly SystemCall[]]>([
      ['a new mount', [{ name: 'fsopen', args: ['tmpfs', 0], why: '' }]],
      ['a copy of a mount', [{ name: 'open_tree', args: [-100, '/', 1], why: '' }]],
      ['a namespace', [{ name: 'unshare', args: [0x1000_0000], why: '' }]],
      ['a child in a namespace', [{ name: 'clone', args: [0x1000_0011, 0, 0, 0, 0], why: '' }]],
      ['another root', [{ name: 'pivot_root', args: ['/', '/tmp'], why: '' }]],
    ])('%s is refused by the kernel interface too', async (_name, calls) => {
      const success: readonly SystemCall[] = [
        { name: 'write', args: [1, 'done', 4], why: '' },
        { name: 'exit_group', args: [0], why: '' },
      ];
      expect(await context.harness.attack([...calls, ...success])).toBe('');
    });

    test('/proc/1/root is the container’s own', async () => {
      const seen = await attempt(`ls '/proc/1/root${context.harness.directory}'`);
      // following it takes CAP_SYS_PTRACE where it is the host's
      expect(seen).toBe('');
    });

    test('processes of the host are neither seen nor signalled', async () => {
      const own = process.pid;
      const seen = await attempt(`kill -0 ${own} && echo reached`);
      expect(seen).toBe(can('pid-namespace') ? '' : 'reached');
    });

    test('the environment of the host is not readable', async () => {
      const script = `cat /proc/${process.pid}/environ | wc -c`;
      expect(await context.harness.attempt(script, { user: '1000' })).toBe('0');
    });

    test.each([
      ...administration,
      ['a device of the host', 'mknod /zero c 1 5; head -c 1 /zero | wc -c'],
      ['a device of the host in /dev', 'mknod /dev/zero2 c 1 5; head -c 1 /dev/zero2 | wc -c'],
      ['the disk', `mknod /disk b ${diskNumbers().join(' ')}; head -c 1 /disk | wc -c`],
      ['the disk in /dev', `mknod /dev/disk b ${diskNumbers().join(' ')}; head -c 1 /dev/disk | wc -c`],
      ['a device of the host in memory', 'mknod /dev/shm/zero c 1 5; head -c 1 /dev/shm/zero | wc -c'],
      ['the kernel log', 'dd if=/dev/kmsg count=1 && echo done'],
      ['writing sysrq', 'echo h > /proc/sysrq-trigger && echo done'],
      ['a core pattern', 'echo "|/x" > /proc/sys/kernel/core_pattern && echo done'],
    ])('%s is refused', async (_name, script) => {
      expect((await attempt(script)).replace(/^0$/, '')).toBe('');
    });

    // so that what is refused above is refused for a reason; a chroot shares the host's name, and the kernel lets nobody
    // in it make a user namespace
    test.each(administration.filter(([, script]) => can('uts-namespace') || !/hostname|unshare -U/.test(script)))(
      '%s succeeds where the capability and the system calls are given',
      async (_name, script) => {
        const options = { capAdd: ['SYS_ADMIN'], seccomp: 'unconfined' };
        expect(await context.harness.attempt(script, options)).toBe('done');
      },
    );

    test('capabilities are docker’s at most, and none are inheritable or ambient', async () => {
      const status = await context.harness.sh('grep Cap /proc/self/status');
      const sets = new Map(
        [...status.matchAll(/Cap(\w+):\s*(\w+)/g)].map(([, name, mask]) => [name, BigInt(`0x${mask}`)]),
      );
      const allowed = 0xa804_25fbn;
      for (const name of ['Prm', 'Eff', 'Bnd']) expect((sets.get(name) ?? -1n) & ~allowed).toBe(0n);
      expect([sets.get('Inh'), sets.get('Amb')]).toEqual([0n, 0n]);
    });

    test('a dropped capability is gone', async () => {
      const script = 'grep CapBnd /proc/self/status; touch /mine; chown 1:1 /mine 2>/dev/null || echo no';
      expect(await context.harness.sh(script, { capDrop: ['ALL'] })).toBe('CapBnd:\t0000000000000000\nno');
    });

    test('no privileges are gained, and system calls are filtered', async () => {
      const status = await context.harness.sh('grep -E "NoNewPrivs|Seccomp:" /proc/self/status');
      expect(status).toBe('NoNewPrivs:\t1\nSeccomp:\t2');
      expect(await context.harness.sh('grep Seccomp: /proc/self/status', { seccomp: 'unconfined' })).toBe(
        'Seccomp:\t0',
      );
    });

    test('without a network there is only loopback', async () => {
      const script = 'tail -n +3 /proc/net/dev | wc -l; ifconfig lo | grep -c UP';
      const expected = can('network-none') ? '1\n1' : 'ERR_BOX_NOT_ENFORCEABLE';
      expect(await context.harness.attempt(script, { network: 'none' })).toBe(expected);
    });

    test('a private network has a device of its own, and leads nowhere on the host’s loopback device', async () => {
      const server = createServer((socket) => socket.end('reached\n')).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const script = `nc 127.0.0.1 ${port} </dev/null 2>/dev/null; tail -n +3 /proc/net/dev | wc -l`;
      const expected = can('network-private') ? '2' : 'ERR_BOX_NOT_ENFORCEABLE';
      expect(await context.harness.attempt(script, { network: 'private' })).toBe(expected);
      // which is what the host's network is there for
      expect(await context.harness.attempt(script, { network: 'host' })).toMatch(/^reached\n/);
      server.close();
    });

    test('no descriptor that is open leads out by ..', async () => {
      const target = join(context.harness.directory, 'outside by ..');
      await writeFile(target, 'outside');
      const climbs = Array.from({ length: 64 }, (_none, at): readonly SystemCall[] => [
        { name: 'fchdir', args: [at], why: 'whatever was left open', ignore: 'any' },
        { name: 'chdir', args: ['../'.repeat(40)], why: 'climb', ignore: 'any' },
      ]);
      expect(await context.harness.attack([...climbs.flat(), ...printFile(target.slice(1))])).toBe('');
    });

    test.each(['/proc/self/fd/5', '/proc/1/cwd/..', '/proc/self/root/../..'])(
      'the working directory %s does not lead out',
      async (workdir) => {
        const script = `ls '${context.harness.directory}'; ls -d '../${context.harness.directory}'`;
        expect(['', 'ERR_BOX_CONTAINER_SETUP']).toContain(await context.harness.attempt(script, { workdir }));
      },
    );

    test.each(['proc', 'dev'])(
      'a symlink in the place of /%s is refused, and nothing is made outside',
      async (name) => {
        const { harness } = context;
        const { mkdir, rm, symlink } = await import('node:fs/promises');
        const rootfs = await harness.rootfs();
        if (rootfs.kind !== 'directory') throw new Error('a directory was asked for');
        const path = join(harness.directory, `evil ${name}`);
        await mkdir(join(path, 'bin'), { recursive: true });
        await symlink('../../outside-of-it', join(path, name));
        await expect(harness.run(['/bin/true'], { rootfs: { ...rootfs, path } })).rejects.toMatchObject({
          code: 'ERR_BOX_CONTAINER_SETUP',
        });
        expect(existsSync(join(harness.directory, '../outside-of-it'))).toBe(false);
        await rm(path, { recursive: true });
      },
    );

    test('a symlink in the place of a volume’s target stays inside', async () => {
      const { harness } = context;
      const { mkdir, readdir, symlink } = await import('node:fs/promises');
      const outside = join(harness.directory, 'not mounted on');
      await mkdir(outside);
      const rootfs = await harness.rootfs({ overlay: true });
      if (rootfs.kind !== 'overlay') throw new Error('an overlay was asked for');
      await symlink(outside, join(rootfs.upper, 'link'));
      const mounts = [{ type: 'tmpfs', target: '/link', readOnly: false }] as const;
      expect(['made', 'ERR_BOX_CONTAINER_SETUP']).toContain(
        await harness.attempt('touch /link/x && echo made', { rootfs, mounts }),
      );
      expect(await readdir(outside)).toEqual([]);
    });
  });
}

/** Major and minor number of the device that the host's root is on. makedev(3). */
function diskNumbers(): readonly [major: number, minor: number] {
  const { dev } = statSync('/');
  return [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xf_ff00)];
}

function printFile(path: string): readonly SystemCall[] {
  const text = { buffer: 'text', size: 64 };
  return [
    { name: 'openat', args: [-100, path, 0, 0], why: '', label: 'file' },
    { name: 'read', args: [{ result: 'file' }, text, 64], why: '', label: 'length' },
    { name: 'write', args: [1, text, { result: 'length' }], why: '' },
    { name: 'exit_group', args: [0], why: '' },
  ];
}

/** What takes CAP_SYS_ADMIN, in the container's own namespaces at most, or a system call that is filtered. */
const administration: readonly [name: string, script: string][] = [
  ['mounting', 'mkdir -p /m; mount -t tmpfs none /m && echo done'],
  // what is mounted below would keep a plain umount from it
  ['unmounting', 'umount -l /proc && echo done'],
  ['remounting /proc/sys', 'mount -o remount,rw,bind /proc/sys && echo done'],
  ['a new user namespace', 'unshare -U true && echo done'],
  ['a new mount namespace', 'unshare -m true && echo done'],
  ['setting the hostname', 'hostname evil && echo done'],
];
