import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync, openSync, closeSync } from 'node:fs';
import { tmpdir, release } from 'node:os';
import { join } from 'node:path';
import { runSeccompFilter } from '@boxkit/testkit';
import { describe, expect, it } from 'vitest';
import { compileSeccomp } from './compile.ts';
import { defaultSeccompProfile } from './default-profile.ts';
import { parseSeccompProfile } from './parse-profile.ts';
import type { SeccompProfile } from './profile.ts';
import { auditArchitecture, systemCallNumbers } from './system-call-table.ts';
import type { SeccompArchitecture } from './system-call-table.ts';

const allow = 0x7fff_0000;
const refused = (errno: number): number => 0x0005_0000 | errno;
const ordinary = new Set(['CAP_CHOWN', 'CAP_SYS_CHROOT', 'CAP_SETUID']);

function filter(
  profile: SeccompProfile,
  architecture: SeccompArchitecture,
  capabilities: ReadonlySet<string> = ordinary,
) {
  const program = compileSeccomp(profile, { architecture, capabilities, kernel: '6.1.0' });
  return (name: string, ...args: (number | bigint)[]): number =>
    runSeccompFilter(program, {
      nr: systemCallNumbers(architecture).get(name) ?? -1,
      arch: auditArchitecture[architecture],
      args: args.map(BigInt),
    });
}

describe.each(['x86_64', 'aarch64'] as const)('the default profile on %s', (architecture) => {
  const verdict = filter(defaultSeccompProfile, architecture);

  it('lets an ordinary program work', () => {
    for (const name of [
      'read',
      'write',
      'openat',
      'execve',
      'clone',
      'mmap',
      'futex',
      'exit_group',
      'chroot',
      'ioctl',
    ]) {
      expect([name, verdict(name)]).toEqual([name, allow]);
    }
  });

  it('refuses what changes the kernel or leaves the container', () => {
    for (const name of [
      'mount',
      'umount2',
      'unshare',
      'setns',
      'bpf',
      'kexec_load',
      'init_module',
      'reboot',
      'keyctl',
    ]) {
      expect([name, verdict(name)]).toEqual([name, refused(1)]);
    }
    for (const name of [
      'io_uring_setup',
      'open_by_handle_at',
      'userfaultfd',
      'perf_event_open',
      'swapon',
      'settimeofday',
    ]) {
      expect([name, verdict(name)]).toEqual([name, refused(1)]);
    }
  });

  it('refuses a clone that makes namespaces, and says that there is no clone3', () => {
    expect(verdict('clone', 0x1200011)).toBe(allow);
    expect(verdict('clone', 0x1000_0000)).toBe(refused(1));
    expect(verdict('clone3')).toBe(refused(38));
  });

  it('refuses typing into the terminal, whatever stands in the half of the request that the kernel ignores', () => {
    expect(verdict('ioctl', 0, 0x5412)).toBe(refused(1));
    expect(verdict('ioctl', 0, 0x7_0000_5412n)).toBe(refused(1));
    expect(verdict('ioctl', 0, 0x541c)).toBe(refused(1));
    expect(verdict('ioctl', 0, 0x5413)).toBe(allow);
  });

  it('refuses sockets to the hypervisor and odd personalities', () => {
    expect(verdict('socket', 2)).toBe(allow);
    expect(verdict('socket', 40)).toBe(refused(1));
    expect(verdict('personality', 0xffff_ffffn)).toBe(allow);
    expect(verdict('personality', 0x40000)).toBe(refused(1));
  });

  it('opens with a capability what the capability is for', () => {
    const admin = filter(defaultSeccompProfile, architecture, new Set(['CAP_SYS_ADMIN', 'CAP_SYS_TIME']));
    for (const name of ['mount', 'unshare', 'clone3', 'settimeofday'])
      expect([name, admin(name)]).toEqual([name, allow]);
    expect(admin('clone', 0x1000_0000)).toBe(allow);
    expect(admin('reboot')).toBe(refused(1));
  });
});

describe('a filter', () => {
  const program = compileSeccomp(defaultSeccompProfile, {
    architecture: 'x86_64',
    capabilities: ordinary,
    kernel: '6.1',
  });

  it('refuses architectures that are not the machine’s, and x32', () => {
    expect(runSeccompFilter(program, { nr: 0, arch: auditArchitecture.aarch64 })).toBe(refused(1));
    expect(runSeccompFilter(program, { nr: 0x4000_0000, arch: auditArchitecture.x86_64 })).toBe(refused(1));
    expect(runSeccompFilter(program, { nr: -1, arch: auditArchitecture.x86_64 })).toBe(refused(1));
  });

  it('judges an i386 program by i386 numbers', () => {
    const numbers = systemCallNumbers('x86');
    const judge = (name: string) =>
      runSeccompFilter(program, { nr: numbers.get(name) ?? -1, arch: auditArchitecture.x86 });
    expect(judge('write')).toBe(allow);
    expect(judge('mount')).toBe(refused(1));
  });

  it('gives every system call of the table the verdict that a plain reading of the profile gives', () => {
    for (const architecture of ['x86_64', 'aarch64', 'x86'] as const) {
      const allowed = new Set(
        defaultSeccompProfile.syscalls
          .filter((rule) => rule.action === 'SCMP_ACT_ALLOW' && !rule.args?.length)
          .filter((rule) => !rule.includes?.caps || rule.includes.caps.some((name) => ordinary.has(name)))
          .filter(
            (rule) =>
              !rule.includes?.arches ||
              rule.includes.arches.includes(
                architecture === 'x86_64' ? 'amd64' : architecture === 'x86' ? 'x86' : 'arm64',
              ),
          )
          .flatMap((rule) => rule.names),
      );
      const conditional = new Set(
        defaultSeccompProfile.syscalls.filter((rule) => rule.args?.length).flatMap((rule) => rule.names),
      );
      const verdict = filter(defaultSeccompProfile, architecture);
      for (const name of systemCallNumbers(architecture).keys()) {
        if (conditional.has(name) || name === 'clone3') continue;
        expect([architecture, name, verdict(name)]).toEqual([
          architecture,
          name,
          allowed.has(name) ? allow : refused(1),
        ]);
      }
    }
  });

  it('compares all 64 bits with every operator', () => {
    const big = 0x1_0000_0005;
    const cases: [string, (value: bigint) => boolean][] = [
      ['EQ', (value) => value === BigInt(big)],
      ['NE', (value) => value !== BigInt(big)],
      ['LT', (value) => value < BigInt(big)],
      ['LE', (value) => value <= BigInt(big)],
      ['GT', (value) => value > BigInt(big)],
      ['GE', (value) => value >= BigInt(big)],
    ];
    for (const [op, expected] of cases) {
      const verdict = filter(
        parse({
          defaultAction: 'SCMP_ACT_ERRNO',
          syscalls: [
            { names: ['lseek'], action: 'SCMP_ACT_ALLOW', args: [{ index: 2, value: big, op: `SCMP_CMP_${op}` }] },
          ],
        }),
        'x86_64',
      );
      for (const value of [
        0n,
        5n,
        0x1_0000_0004n,
        0x1_0000_0005n,
        0x1_0000_0006n,
        0x2_0000_0000n,
        0xffff_ffffn,
        1n << 63n,
      ]) {
        expect([op, value, verdict('lseek', 0, 0, value)]).toEqual([op, value, expected(value) ? allow : refused(1)]);
      }
    }
  });

  it('stays small however many conditions one call has', () => {
    const rules = Array.from({ length: 100 }, (_, value) => ({
      names: ['ioctl'],
      action: 'SCMP_ACT_ALLOW',
      args: [
        { index: 1, value, op: 'SCMP_CMP_EQ' },
        { index: 2, value, op: 'SCMP_CMP_NE' },
      ],
    }));
    const verdict = filter(parse({ defaultAction: 'SCMP_ACT_KILL_PROCESS', syscalls: rules }), 'aarch64');
    expect(verdict('ioctl', 0, 99, 1)).toBe(allow);
    expect(verdict('ioctl', 0, 99, 99)).toBe(0x8000_0000);
    expect(verdict('ioctl', 0, 100)).toBe(0x8000_0000);
  });

  it('is no longer than the kernel takes, or an error', () => {
    const rules = Array.from({ length: 1000 }, (_, value) => ({
      names: ['ioctl'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 1, value, op: 'SCMP_CMP_EQ' }],
    }));
    expect(() => filter(parse({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: rules }), 'x86_64')).toThrow(/instructions/);
  });

  it('reads the profile that podman ships', (context) => {
    const file = '/usr/share/containers/seccomp.json';
    if (!existsSync(file)) context.skip(`${file} is missing: install golang-github-containers-common`);
    const verdict = filter(parseSeccompProfile(readFileSync(file, 'utf8'), file), 'x86_64');
    expect(verdict('read')).toBe(allow);
    expect(verdict('kexec_load')).toBe(refused(1));
    expect(verdict('socket', 16, 0, 9)).toBe(refused(22));
    expect(verdict('socket', 16, 0, 0)).toBe(allow);
  });

  it('is taken by the kernel and holds', (context) => {
    const architecture = process.arch === 'x64' ? 'x86_64' : process.arch === 'arm64' ? 'aarch64' : undefined;
    if (!architecture) context.skip(`no filter for ${process.arch}`);
    if (spawnSync('bwrap', ['--version']).error) context.skip('bwrap is missing: install bubblewrap');
    const directory = mkdtempSync(join(tmpdir(), 'box-seccomp-'));
    const file = join(directory, 'filter.bpf');
    writeFileSync(
      file,
      compileSeccomp(defaultSeccompProfile, {
        architecture: architecture ?? 'x86_64',
        capabilities: ordinary,
        kernel: release(),
      }),
    );
    const descriptor = openSync(file, 'r');
    const bwrap = (...command: string[]) =>
      spawnSync('bwrap', ['--ro-bind', '/', '/', '--dev', '/dev', '--seccomp', '3', ...command], {
        stdio: ['ignore', 'pipe', 'pipe', descriptor],
        encoding: 'utf8',
      });
    try {
      expect(bwrap('/bin/sh', '-c', 'echo works').stdout).toBe('works\n');
    } finally {
      closeSync(descriptor);
    }
    const again = openSync(file, 'r');
    try {
      const unshared = spawnSync('bwrap', ['--ro-bind', '/', '/', '--seccomp', '3', 'unshare', '--user', 'true'], {
        stdio: ['ignore', 'pipe', 'pipe', again],
        encoding: 'utf8',
      });
      expect(unshared.stderr).toContain('Operation not permitted');
    } finally {
      closeSync(again);
      rmSync(directory, { recursive: true });
    }
  });
});

describe('a profile that cannot be used', () => {
  const broken: [string, unknown, RegExp][] = [
    ['no object', [], /must be an object/],
    ['no default action', { syscalls: [] }, /defaultAction: must be a string/],
    ['an unknown action', { defaultAction: 'SCMP_ACT_MAYBE', syscalls: [] }, /SCMP_ACT_MAYBE is no action/],
    [
      'an unknown operator',
      withArgument({ index: 0, value: 1, op: 'SCMP_CMP_ABOUT' }),
      /SCMP_CMP_ABOUT is no operator/,
    ],
    ['a seventh argument', withArgument({ index: 6, value: 1, op: 'SCMP_CMP_EQ' }), /six arguments/],
    ['a negative value', withArgument({ index: 0, value: -1, op: 'SCMP_CMP_EQ' }), /syscalls\[0\]\.args\[0\]\.value/],
  ];

  it.each(broken)('with %s is an error that says where', (_what, document, message) => {
    expect(() => filter(parse(document), 'x86_64')).toThrow(message);
  });

  function withArgument(argument: object): object {
    return {
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [argument] }],
    };
  }
});

function parse(document: unknown): SeccompProfile {
  return parseSeccompProfile(JSON.stringify(document), 'profile.json');
}
