import { constants } from 'node:os';
import type { SystemCall } from '@boxkit/contracts';
import { reportDescriptor, reportSize } from './layout.ts';

const P_PID = 1;
const WEXITED = 4;
const CLD_EXITED = 1;

/** What the stub told its launcher: that the command is next, or the call that failed. */
export type StubReport =
  | { readonly kind: 'ready' }
  /** `position` in the list that was encoded as `list`; -1 when the program itself could not be read. */
  /** How the container's first process ended, from the process that waited for it. */
  | { readonly kind: 'ended'; readonly code: number; readonly signal?: number }
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

/** The first word of a record that the start of a siginfo_t follows. */
const ended = 0xffff_ffff_ffff_fffen;
/** As much of a siginfo_t as says how a child ended. */
const endSize = 32;

/** Waits for the child that a call of that label has made, and tells the launcher how it ended. */
export function reportEnd(label: string): readonly SystemCall[] {
  const bytes = Buffer.alloc(reportSize);
  bytes.writeBigUInt64LE(ended);
  const info = { buffer: 'end of the first process', size: 128 };
  return [
    {
      name: 'waitid',
      args: [P_PID, { result: label }, info, WEXITED, null],
      why: 'until the first process ends',
      ignore: ['EINTR'],
      label: 'wait',
      next: { error: 'wait' },
    },
    { name: 'write', args: [reportDescriptor, { bytes }, reportSize], why: 'it has ended', ignore: 'any' },
    { name: 'write', args: [reportDescriptor, info, endSize], why: 'how it ended', ignore: 'any' },
    { name: 'exit_group', args: [0], why: 'all has been told' },
  ];
}

/** Splits what came through the report descriptor into records; a torn record at the end is left out. */
export function parseReports(bytes: Buffer): readonly StubReport[] {
  const reports: StubReport[] = [];
  for (let at = 0; at + reportSize <= bytes.length; at += reportSize) {
    const first = bytes.readBigUInt64LE(at);
    if (first === ready) reports.push({ kind: 'ready' });
    else if (first === ended) {
      if (at + reportSize + endSize > bytes.length) break;
      reports.push(parseEnd(bytes.subarray(at + reportSize)));
      at += endSize;
    } else {
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

/** si_code and si_status of a siginfo_t. sigaction(2). */
function parseEnd(info: Buffer): StubReport {
  const status = info.readInt32LE(24);
  return info.readInt32LE(8) === CLD_EXITED
    ? { kind: 'ended', code: status }
    : { kind: 'ended', code: 128 + status, signal: status };
}

function errnoName(number: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}
