import type { SystemCall } from '@boxkit/contracts';
import { errnoName } from '../libc.ts';
import { reportDescriptor, reportSize, setupFailed } from './layout.ts';

/** What the stub told its launcher: that the command is next, or the call that failed. */
export type StubReport =
  | { readonly kind: 'ready' }
  /** It goes on when the launcher has written a byte to the report's socket, and ends when that is closed. */
  | { readonly kind: 'waiting' }
  /** The command has been executed, or its `failed` has come before. */
  | { readonly kind: 'executed' }
  /** How the container's first process ended, from the process that waited for it. */
  | { readonly kind: 'ended'; readonly code: number; readonly signal?: number }
  /** `position` in the list that was encoded as `list`; -1 when the program itself could not be read. */
  | { readonly kind: 'failed'; readonly list: number; readonly position: number; readonly errno: string };

/** The first word of a record that says that everything is set up. */
const ready = 0xffff_ffff_ffff_ffffn;

/** Tells the launcher that nothing but the command's execve is left. */
export function reportReady(): SystemCall {
  const bytes = Buffer.alloc(reportSize);
  bytes.writeBigUInt64LE(ready);
  return {
    name: 'write',
    args: [reportDescriptor, { bytes }, reportSize],
    why: 'tell the launcher that the setup is done',
  };
}

/** The first word of a record that says that the stub waits for an answer. */
const waiting = 0xffff_ffff_ffff_fffdn;

/** Tells the launcher how far it is, and goes on when the launcher answers; ends when there is no launcher any more. */
export function awaitLauncher(): readonly SystemCall[] {
  const bytes = Buffer.alloc(reportSize);
  bytes.writeBigUInt64LE(waiting);
  return [
    {
      name: 'write',
      args: [reportDescriptor, { bytes }, reportSize],
      why: 'the launcher may connect the network now',
      next: { positive: 'answer' },
    },
    { name: 'exit_group', args: [setupFailed], why: 'there is no launcher any more', label: 'no answer' },
    {
      name: 'read',
      args: [reportDescriptor, { buffer: 'answer of the launcher', size: 8 }, 1],
      why: 'until it is connected',
      ignore: ['EINTR'],
      label: 'answer',
      next: { zero: 'no answer', error: 'answer' },
    },
  ];
}

/** The first word of a record that says that nothing of the stub is left in the child. */
const executed = 0xffff_ffff_ffff_fffcn;

/** Tells the launcher that the child of a clone with CLONE_VFORK has executed a program, or has ended without. */
export function tellExecuted(): SystemCall {
  const bytes = Buffer.alloc(reportSize);
  bytes.writeBigUInt64LE(executed);
  return { name: 'write', args: [reportDescriptor, { bytes }, reportSize], why: 'the command runs', ignore: 'any' };
}

/** The first word of a record whose second is a wait status. */
const ended = 0xffff_ffff_ffff_fffen;

/** Where `wait4` puts the status that `tellEnd` tells. */
export const endStatus = { buffer: 'status of the first process', size: 8 };

/** Tells the launcher how the first process ended, and ends. */
export function tellEnd(): readonly [SystemCall, ...SystemCall[]] {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(ended);
  return [
    { name: 'write', args: [reportDescriptor, { bytes }, 8], why: 'it has ended', ignore: 'any' },
    { name: 'write', args: [reportDescriptor, endStatus, 8], why: 'how it ended', ignore: 'any' },
    { name: 'exit_group', args: [0], why: 'all has been told' },
  ];
}

/** Waits for the child that a call of that label has made, and tells the launcher that it runs and how it ended. */
export function reportEnd(label: string): readonly SystemCall[] {
  return [
    tellExecuted(),
    {
      name: 'wait4',
      args: [{ result: label }, endStatus, 0, null],
      why: 'until the first process ends',
      ignore: ['EINTR'],
      label: 'wait',
      next: { error: 'wait' },
    },
    ...tellEnd(),
  ];
}

/** Splits what came through the report descriptor into records; a torn record at the end is left out. */
export function parseReports(bytes: Buffer): readonly StubReport[] {
  const reports: StubReport[] = [];
  for (let at = 0; at + reportSize <= bytes.length; at += reportSize) {
    const first = bytes.readBigUInt64LE(at);
    if (first === ready) reports.push({ kind: 'ready' });
    else if (first === waiting) reports.push({ kind: 'waiting' });
    else if (first === executed) reports.push({ kind: 'executed' });
    else if (first === ended) reports.push(parseEnd(bytes.readUInt32LE(at + 8)));
    else {
      reports.push({
        kind: 'failed',
        list: bytes.readUInt32LE(at + 4),
        position: bytes.readUInt32LE(at) - 1,
        errno: errnoName(bytes.readUInt32LE(at + 8)),
      });
    }
  }
  return reports;
}

/** A wait status: the signal in the low seven bits, else the exit status above them. wait(2). */
function parseEnd(status: number): StubReport {
  const signal = status & 0x7f;
  return signal === 0 ? { kind: 'ended', code: (status >> 8) & 0xff } : { kind: 'ended', code: 128 + signal, signal };
}
