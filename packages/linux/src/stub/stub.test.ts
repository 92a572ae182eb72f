import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { machine as thisMachine, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SystemCall } from '@boxkit/contracts';
import { aarch64 } from './aarch64.ts';
import { stubExecutable, type StubMachine } from './elf.ts';
import { encodeProgram } from './encode.ts';
import { machineCode, type Instruction } from './instruction.ts';
import { parseReports, reportEnd, type StubReport } from './report.ts';
import { x8664 } from './x86-64.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'box-stub-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** How the stub of each machine is run here: as it is, or by an emulator. */
const machines: readonly { machine: StubMachine; listing: readonly Instruction[]; tools: string; run: string[] }[] = [
  { machine: 'x86_64', listing: x8664, tools: '', run: thisMachine() === 'x86_64' ? [] : ['qemu-x86_64-static'] },
  { machine: 'aarch64', listing: aarch64, tools: 'aarch64-linux-gnu-', run: ['qemu-aarch64-static'] },
];

function installed(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined;
}

describe.each(machines)('the stub for $machine', ({ machine, listing, tools, run }) => {
  it('is what GNU as makes of its listing', (context) => {
    if (!installed(`${tools}as`)) context.skip(`needs ${tools}as (Debian: binutils)`);
    const source = join(directory, `${machine}.s`);
    const syntax = machine === 'x86_64' ? '.intel_syntax noprefix\n' : '';
    writeFileSync(source, `${syntax}${listing.map(([, assembly]) => assembly).join('\n')}\n`);
    execFileSync(`${tools}as`, [source, '-o', `${source}.o`]);
    execFileSync(`${tools}objcopy`, ['-O', 'binary', '-j', '.text', `${source}.o`, `${source}.bin`]);
    expect(machineCode(listing).toString('hex')).toBe(readFileSync(`${source}.bin`).toString('hex'));
  });

  const emulated = run[0];
  const available = emulated === undefined || installed(emulated);
  function execute(calls: readonly SystemCall[]): {
    status: number | null;
    stdout: string;
    reports: readonly StubReport[];
  } {
    const stub = join(directory, `stub-${machine}`);
    writeFileSync(stub, stubExecutable(machine));
    chmodSync(stub, 0o755);
    const program = join(directory, 'program');
    writeFileSync(program, encodeProgram(calls, machine));
    const reported = join(directory, 'report');
    const [input, output] = [openSync(program, 'r'), openSync(reported, 'w')];
    const result = spawnSync(run[0] ?? stub, run.length === 0 ? [] : [stub], {
      stdio: ['ignore', 'pipe', 'pipe', input, output],
      encoding: 'utf8',
    });
    closeSync(input);
    closeSync(output);
    return { status: result.status, stdout: result.stdout, reports: parseReports(readFileSync(reported)) };
  }

  it.for<[string, readonly SystemCall[], { status: number; stdout?: string; reports?: readonly StubReport[] }]>([
    ['makes its calls in order', [write('a'), write('b'), exit(7)], { status: 7, stdout: 'ab', reports: [] }],
    [
      'reports the call that failed, and its errno',
      [write('a'), { name: 'close', args: [99], why: 'it is not open' }, exit(0)],
      { status: 125, stdout: 'a', reports: [{ kind: 'failed', list: 0, position: 1, errno: 'EBADF' }] },
    ],
    [
      'goes on after an error that is no failure',
      [{ name: 'close', args: [99], why: '', ignore: ['ENOENT', 'EBADF'] }, write('b'), exit(0)],
      { status: 0, stdout: 'b', reports: [] },
    ],
    [
      'stops at another error than those ignored',
      [{ name: 'close', args: [99], why: '', ignore: ['ENOENT'] }, exit(0)],
      { status: 125, reports: [{ kind: 'failed', list: 0, position: 0, errno: 'EBADF' }] },
    ],
    [
      'branches on zero, on more than zero and on errors',
      [
        { name: 'write', args: [1, 'a', 1], why: '', next: { positive: 'positive' } },
        exit(1),
        { name: 'umask', args: [0], why: '', label: 'positive' },
        { name: 'umask', args: [0], why: '', next: { zero: 'zero' } },
        exit(2),
        { name: 'close', args: [99], why: '', label: 'zero', ignore: 'any', next: { error: 'error' } },
        exit(3),
        { ...exit(4), label: 'error' },
      ],
      { status: 4, stdout: 'a' },
    ],
    [
      'hands the result of a call to a later one',
      [
        { name: 'openat', args: [-100, '/proc/self/comm', 0, 0], why: '', label: 'file' },
        { name: 'read', args: [{ result: 'file' }, { buffer: 'text', size: 64 }, 1], why: '', label: 'length' },
        { name: 'write', args: [1, { buffer: 'text', size: 64 }, { result: 'length' }], why: '' },
        exit(0),
      ],
      { status: 0, reports: [] },
    ],
    [
      'waits for a child and tells how it ended',
      [
        { name: 'clone', args: [17, 0, 0, 0, 0], why: '', label: 'fork', next: { zero: 'child' } },
        ...reportEnd('fork'),
        { ...exit(9), label: 'child' },
      ],
      { status: 0, reports: [{ kind: 'executed' }, { kind: 'ended', code: 9 }] },
    ],
    [
      'executes a program with its arguments and environment',
      [{ name: 'execve', args: ['/bin/sh', ['sh', '-c', 'echo $1 $X', 'sh', 'a b'], ['X=c d']], why: '' }],
      { status: 0, stdout: 'a b c d\n', reports: [] },
    ],
  ])('%s', ([, calls, expected], context) => {
    if (!available) context.skip(`needs ${emulated} (Debian: qemu-user-static)`);
    expect(execute(calls)).toMatchObject(expected);
  });
});

it('a program that cannot be read is reported as none of its calls', (context) => {
  if (thisMachine() !== 'x86_64') context.skip('this machine runs no x86_64 programs');
  const stub = join(directory, 'stub');
  writeFileSync(stub, stubExecutable('x86_64'));
  chmodSync(stub, 0o755);
  const reported = join(directory, 'report');
  const output = openSync(reported, 'w');
  const unreadable = openSync(directory, 'r');
  const { status } = spawnSync(stub, [], { stdio: ['ignore', 'pipe', 'pipe', unreadable, output] });
  closeSync(output);
  closeSync(unreadable);
  expect(status).toBe(125);
  expect(parseReports(readFileSync(reported))).toEqual([{ kind: 'failed', list: 0, position: -1, errno: 'EISDIR' }]);
});

it('a list that can run past its end is refused', () => {
  expect(() => encodeProgram([write('a')], 'x86_64')).toThrow(RangeError);
});

it('an unknown label is refused', () => {
  expect(() => encodeProgram([{ ...exit(0), next: { zero: 'nowhere' } }], 'x86_64')).toThrow('nowhere');
});

it('a string that would end early is refused', () => {
  expect(() => encodeProgram([{ name: 'chdir', args: ['a\0b'], why: '' }, exit(0)], 'x86_64')).toThrow(RangeError);
});

it('labels may repeat: a jump goes forward, a result comes from behind', () => {
  const step: readonly SystemCall[] = [
    { name: 'umask', args: [0o22], why: '', label: 'previous', next: { zero: 'on', positive: 'on' } },
    exit(1),
    { name: 'umask', args: [{ result: 'previous' }], why: '', label: 'on', next: { zero: 'next', positive: 'next' } },
    { ...exit(0), label: 'next' },
  ];
  const twice = [...step.slice(0, 3), { name: 'getpid', args: [], why: '', label: 'next' }, ...step];
  expect(() => encodeProgram(twice, 'x86_64')).not.toThrow();
});

function write(text: string): SystemCall {
  return { name: 'write', args: [1, text, text.length], why: 'say it' };
}

function exit(status: number): SystemCall {
  return { name: 'exit_group', args: [status], why: 'end' };
}
