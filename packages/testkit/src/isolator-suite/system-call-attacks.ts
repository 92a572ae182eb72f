import { constants, machine } from 'node:os';
import { expect, test } from 'vitest';
import type { SystemCall, SystemCallArgument } from '@boxkit/contracts';
import type { SuiteContext } from './suite-context.ts';

/** A system call that has led out of containers or far into the kernel, with arguments that do no harm where it is let through. */
interface Attack {
  readonly call: SystemCall;
  /** How the filter answers. */
  readonly refused: 'EPERM' | 'ENOSYS';
  /** What keeps it from the kernel: the filter alone, or that a capability of the host's is missing, too. */
  readonly guard: 'filter' | 'capability';
}

function attack(
  guard: Attack['guard'],
  name: string,
  args: readonly SystemCallArgument[],
  refused: Attack['refused'] = 'EPERM',
): Attack {
  return { guard, refused, call: { name, args, why: 'an attack' } };
}

/** struct file_handle, open_by_handle_at(2), with room for the largest; the same memory for both calls. */
const handle: SystemCallArgument = { bytes: Buffer.concat([littleEndian(128, 0), Buffer.alloc(128)]) };
/** struct perf_event_attr, perf_event_open(2): the software clock of this process, outside the kernel. */
const clockEvent: SystemCallArgument = { bytes: littleEndian(1, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 0) };
/** union bpf_attr, bpf(2): an array of one element. */
const arrayMap: SystemCallArgument = { bytes: littleEndian(2, 4, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0) };

const attacks: readonly Attack[] = [
  // keyrings are in no namespace
  attack('filter', 'add_key', ['user', 'box-suite', { bytes: Buffer.from('key') }, 3, -2]),
  attack('filter', 'request_key', ['user', 'box-suite', null, 0]),
  attack('filter', 'keyctl', [0, -3, 0]),
  // its flags are out of a filter's sight, and libc goes on with clone when there is none
  attack('filter', 'clone3', [null, 0], 'ENOSYS'),
  attack('filter', 'userfaultfd', [1]),
  attack('filter', 'io_uring_setup', [1, { bytes: Buffer.alloc(120) }]),
  attack('filter', 'perf_event_open', [clockEvent, 0, -1, -1, 0]),
  attack('filter', 'statmount', [null, null, 0, 0]),
  attack('capability', 'bpf', [0, arrayMap, 48]),
  attack('capability', 'open_by_handle_at', [-100, handle, 0]),
  attack('capability', 'init_module', [null, 0, '']),
  attack('capability', 'kexec_load', [0, 17, null, 0]),
  // without the magic numbers, being let through is an EINVAL
  attack('capability', 'reboot', [0, 0, 0, null]),
  attack('capability', 'swapon', ['/no/such/file', 0]),
  attack('capability', 'syslog', [10, null, 0]),
  ...(machine() === 'x86_64' ? [attack('capability', 'iopl', [3]), attack('capability', 'ioperm', [0x80, 1, 1])] : []),
];

const findHandle: SystemCall = {
  name: 'name_to_handle_at',
  args: [-100, '/etc/passwd', handle, { buffer: 'mount id', size: 8 }, 0],
  why: 'a file without its path',
};

/** System calls that a container is kept from, each with the proof that without what keeps it the kernel is reached. */
export function systemCallAttacks(context: SuiteContext): void {
  test('system calls that reach further into the kernel than a container needs are refused', async () => {
    const refusing = attacks.map(({ call, refused }): SystemCall => {
      const over = { zero: 'let through', positive: 'let through' };
      return { ...call, ignore: [refused], next: over };
    });
    expect(await context.harness.attack(inTurn(refusing))).toBe(namesOf(attacks));
  });

  test('without the filter, and with all capabilities, they reach it', async () => {
    // capabilities of a user namespace are none of the host's
    const open = attacks.filter(({ guard }) => guard === 'filter' || context.privilege === 'root');
    const reaching = open.map(({ call, refused }): SystemCall => {
      // whatever the kernel says to such arguments
      const others = Object.keys(constants.errno).filter((name) => name !== refused);
      return { ...call, ignore: others };
    });
    const given = { seccomp: 'unconfined', capAdd: ['ALL'] };
    expect(await context.harness.attack(inTurn(reaching), given)).toBe(namesOf(open));
  });
}

/** Each call after its name: what is printed last is the name of the one that ended as it should not have. */
function inTurn(calls: readonly SystemCall[]): readonly SystemCall[] {
  const print = (text: string): SystemCall => ({
    name: 'write',
    args: [1, `${text}\n`, text.length + 1],
    why: 'how far it got',
  });
  return [
    findHandle,
    ...calls.flatMap((call) => [print(call.name), call]),
    print('end'),
    { name: 'exit_group', args: [0], why: 'end', label: 'let through' },
  ];
}

function namesOf(made: readonly Attack[]): string {
  return [...made.map(({ call }) => call.name), 'end'].join('\n');
}

function littleEndian(...words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, at) => bytes.writeUInt32LE(word, at * 4));
  return bytes;
}
