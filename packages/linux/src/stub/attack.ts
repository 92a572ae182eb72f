import { machine } from 'node:os';
import type { SystemCall } from '@boxkit/contracts';
import { stubExecutable, type StubMachine } from './elf.ts';
import { encodeProgram } from './encode.ts';

/** A program of this machine that makes system calls of a test's choice: the stub, with the test's list. */
export function attackProgram(calls: readonly SystemCall[]): {
  readonly executable: Uint8Array;
  readonly program: Uint8Array;
} {
  const target: StubMachine = machine() === 'aarch64' ? 'aarch64' : 'x86_64';
  return { executable: stubExecutable(target), program: encodeProgram(calls, target) };
}
