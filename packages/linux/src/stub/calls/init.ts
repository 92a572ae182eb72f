import type { SystemCall } from '@boxkit/contracts';
import {
  CLONE_VFORK,
  O_CLOEXEC,
  POLLIN,
  PR_SET_DUMPABLE,
  PR_SET_NAME,
  SFD_CLOEXEC,
  SFD_NONBLOCK,
  SIGCHLD,
  SIG_SETMASK,
  WEXITED,
  WNOHANG,
  WNOWAIT,
} from '../constants.ts';
import { endStatus, tellEnd, tellExecuted } from '../report.ts';

/** Descriptors of the init's own. */
const children = 10;
const signals = 11;

const everySignal = 0xffff_ffff_ffff_ffffn;
const childSignal = 1n << BigInt(SIGCHLD - 1);
const siginfoSize = 128;
/** Where a siginfo_t has si_pid. */
const pidOffset = 16;

/**
 * The first process stays, as an init: it hands signals on to the command, reaps whatever becomes its child, and ends
 * with the command. What follows these calls happens in the child.
 */
export function forkInit(): readonly SystemCall[] {
  const none: SystemCall = {
    name: 'rt_sigprocmask',
    args: [SIG_SETMASK, mask(0n), null, 8],
    why: 'the command gets its signals',
    label: 'command',
  };
  return [
    {
      name: 'prctl',
      args: [PR_SET_NAME, 'box-init', 0, 0, 0],
      why: 'what lists of processes call it; the command has its own by its execution',
    },
    { name: 'rt_sigprocmask', args: [SIG_SETMASK, mask(everySignal), null, 8], why: 'signals wait for the init' },
    {
      name: 'clone',
      args: [CLONE_VFORK | SIGCHLD, 0, 0, 0, 0],
      why: 'the command; the init goes on when it has been executed',
      label: 'init',
      next: { zero: 'command' },
    },
    tellExecuted(),
    { name: 'prctl', args: [PR_SET_DUMPABLE, 0, 0, 0, 0], why: "the report is the init's alone" },
    ...openSignals(children, childSignal, 'children that end'),
    ...openSignals(signals, everySignal & ~childSignal, 'signals for the command'),
    ...serve(),
    none,
  ];
}

function openSignals(descriptor: number, set: bigint, why: string): readonly SystemCall[] {
  const label = `signals ${descriptor}`;
  return [
    { name: 'signalfd4', args: [-1, mask(set), 8, SFD_NONBLOCK | SFD_CLOEXEC], why, label },
    { name: 'dup3', args: [{ result: label }, descriptor, O_CLOEXEC], why: 'at a known number' },
    { name: 'close', args: [{ result: label }], why: 'not needed any more' },
  ];
}

function serve(): readonly SystemCall[] {
  const poll = Buffer.alloc(16);
  [children, signals].forEach((descriptor, at) => {
    poll.writeInt32LE(descriptor, at * 8);
    poll.writeInt16LE(POLLIN, at * 8 + 4);
  });
  const received = { buffer: 'a signal', size: siginfoSize };
  const ended = { buffer: 'an ended child', size: siginfoSize };
  const command = { result: 'init' };
  const [tell, ...told] = tellEnd();
  return [
    { name: 'ppoll', args: [{ bytes: poll }, 2, null, null, 8], why: 'wait', ignore: ['EINTR'], label: 'serve' },
    {
      name: 'read',
      args: [signals, received, siginfoSize],
      why: 'a signal',
      ignore: ['EAGAIN'],
      next: { error: 'reap' },
    },
    // ssi_signo is the first field of a signalfd_siginfo
    { name: 'kill', args: [command, { value: received.buffer, offset: 0 }], why: 'hand it on', ignore: 'any' },
    { name: 'read', args: [children, received, siginfoSize], why: 'a child', ignore: ['EAGAIN'], label: 'reap' },
    {
      name: 'waitid',
      args: [0, 0, ended, WEXITED | WNOHANG | WNOWAIT, null],
      why: 'which one, without taking it yet: the command must not be taken for another',
      ignore: ['ECHILD'],
    },
    {
      name: 'wait4',
      args: [command, endStatus, WNOHANG, null],
      why: 'the command itself?',
      next: { positive: 'ended' },
    },
    {
      name: 'wait4',
      args: [{ value: ended.buffer, offset: pidOffset }, null, WNOHANG, null],
      why: 'reap it, and look for more',
      ignore: ['ECHILD'],
      next: { positive: 'reap', zero: 'serve', error: 'serve' },
    },
    { ...tell, label: 'ended' },
    ...told,
  ];
}

function mask(signalSet: bigint): { readonly bytes: Uint8Array } {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(signalSet);
  return { bytes };
}
