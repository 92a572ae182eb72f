import { constants } from 'node:os';
import type { SystemCall } from '@boxkit/contracts';
import { reportDescriptor, reportSize } from './layout.ts';

/** What the stub told its launcher: that the command is next, or the call that failed. */
export type StubReport =
  | { readonly kind: 'ready' }
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

/** Splits what came through the report descriptor into records; a torn record at the end is left out. */
export function parseReports(bytes: Buffer): readonly StubReport[] {
  const reports: StubReport[] = [];
  for (let at = 0; at + reportSize <= bytes.length; at += reportSize) {
    if (bytes.readBigUInt64LE(at) === ready) reports.push({ kind: 'ready' });
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

function errnoName(number: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}
