import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SystemCall } from '@boxkit/contracts';
import type { RunRequest } from './harness.ts';
import { imageAttacks } from './image-attacks.ts';
import { kernelFileAttacks } from './kernel-file-attacks.ts';
import type { SuiteContext } from './suite-context.ts';
import { systemCallAttacks } from './system-call-attacks.ts';

/** Attacks that would succeed against a weak backend. Where the table admits the weakness, that it is there is asserted. */
export function securityTests(context: SuiteContext): void {
  const { can } = context;
  const attempt = async (script: string): Promise<string> => context.harness.attempt(script);

  describe('the boundary', () => {
    systemCallAttacks(context);
    kernelFileAttacks(context);
    imageAttacks(context);

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
      const victim = spawn('sleep', ['600'], { stdio: 'ignore' });
      const trace = (request: RunRequest = {}): Promise<string> =>
        context.harness.attack(
          [
            { name: 'ptrace', args: [0x4206, victim.pid ?? 0, 0, 0], why: 'PTRACE_SEIZE' },
            { name: 'write', args: [1, 'traced', 6], why: 'success' },
            { name: 'exit_group', args: [0], why: 'end' },
          ],
          request,
        );
      try {
        expect(await trace()).toBe('');
        // who sees the host's processes traces them with the capability
        expect(await trace({ capAdd: ['SYS_PTRACE'] })).toBe(can('pid-namespace') ? '' : 'traced');
      } finally {
        victim.kill('SIGKILL');
      }
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
      expect(await attempt(`ls '/proc/1/root${context.harness.directory}'`)).toBe('');
      // following that of a process of the host takes CAP_SYS_PTRACE where there are such
      const script = `ls '/proc/${process.pid}/root${context.harness.directory}'`;
      expect(await attempt(script)).toBe('');
      const seen = await context.harness.attempt(script, { capAdd: ['SYS_PTRACE'] });
      expect(seen.includes('root fs')).toBe(!can('pid-namespace'));
    });

    test('processes of the host are neither seen nor signalled', async () => {
      const own = process.pid;
      const seen = await attempt(`kill -0 ${own} && echo reached`);
      expect(seen).toBe(can('pid-namespace') ? '' : 'reached');
    });

    test('the environment of the host is not readable', async () => {
      const script = `cat /proc/${process.pid}/environ | wc -c`;
      expect(await context.harness.attempt(script, { user: '1000' })).toBe('0');
      const read = await context.harness.attempt(script, { capAdd: ['SYS_PTRACE'] });
      expect(read === '0').toBe(can('pid-namespace'));
    });

    test('no mount of the host is left, and none is told', async () => {
      const points = await context.harness.sh(
        `while read a b c d point rest; do echo "$point"; done </proc/self/mountinfo`,
      );
      const own = /^\/(?:(?:proc|sys|dev)(?:\/.*)?|etc\/(?:hosts|hostname|resolv\.conf))?$/;
      expect(points.split('\n').filter((point) => !own.test(point))).toEqual([]);
    });

    test('the program that an init is has no name, for it to be written under once it has ended', async () => {
      const script = 'stat -L -c %h /proc/1/exe; (echo x >> /proc/1/exe) && echo written';
      // seeing it may take CAP_SYS_PTRACE
      const seen = await context.harness.attempt(script, { init: true, capAdd: ['SYS_PTRACE'] });
      expect(seen).toBe(can('init') ? '0' : 'ERR_BOX_NOT_ENFORCEABLE');
    });

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
  });
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
