import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { machine, tmpdir } from 'node:os';
import type { IOType } from 'node:child_process';
import { BoxError, type LaunchPlan, type PlanDescriptor } from '@boxkit/contracts';
import { encodeProgram, type StubMachine } from '@boxkit/linux';
import { stubFile } from './stub-file.ts';

/** What the child inherits from descriptor 3 on, ready for spawn. Disposing closes this side's copies. */
export interface OpenDescriptors extends Disposable {
  readonly stdio: readonly (IOType | number)[];
}

/** O_TMPFILE, which node:fs does not name: a file that never has a name. */
const unnamed = 0x40_0000 | constants.O_DIRECTORY;

/** Opens what the plan names beyond 0, 1 and 2. `home` is where the stub is kept. */
export function openDescriptors(plan: Pick<LaunchPlan, 'descriptors'>, home: string): OpenDescriptors {
  const opened: number[] = [];
  const close = (): void => {
    for (const fd of opened.splice(0)) closeSync(fd);
  };
  try {
    const stdio = plan.descriptors.map((descriptor, at): IOType | number => {
      if (descriptor.fd !== at + 3) {
        throw new BoxError('ERR_BOX_INTERNAL', `descriptor ${descriptor.fd} of the launch plan is out of order`);
      }
      if (descriptor.kind === 'report') return 'pipe';
      const fd = openDescriptor(descriptor, home);
      opened.push(fd);
      return fd;
    });
    return { stdio, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

function openDescriptor(descriptor: Exclude<PlanDescriptor, { kind: 'report' }>, home: string): number {
  switch (descriptor.kind) {
    case 'stub':
      return openSync(stubFile(home, stubMachine()), 'r');
    case 'file':
      return openSync(descriptor.path, 'r');
    case 'bytes':
      return bytesDescriptor(Buffer.from(descriptor.base64, 'base64'));
    case 'system-calls':
      return bytesDescriptor(encodeProgram(descriptor.calls, stubMachine(), descriptor.fd));
  }
}

/** The machine that the stub must be made for; throws ERR_BOX_BACKEND_UNAVAILABLE for one that it does not exist for. */
export function stubMachine(): StubMachine {
  const name = machine();
  if (name === 'x86_64' || name === 'aarch64') return name;
  throw new BoxError(
    'ERR_BOX_BACKEND_UNAVAILABLE',
    `cannot launch a container on ${name}: the exec stub knows no such machine`,
    {
      hint: 'box launches containers on x86_64 and aarch64.',
    },
  );
}

/** A descriptor that reads these bytes, then ends. They hold the environment, so they never have a name. */
function bytesDescriptor(bytes: Buffer): number {
  const file = unnamedFile();
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
    // a descriptor of its own, which stands at the start
    return openSync(`/proc/self/fd/${file}`, 'r');
  } finally {
    closeSync(file);
  }
}

function unnamedFile(): number {
  for (const directory of ['/dev/shm', tmpdir()]) {
    try {
      return openSync(directory, unnamed | constants.O_RDWR, 0o600);
    } catch {
      // not there, not writable or without O_TMPFILE: try the next
    }
  }
  const path = `${tmpdir()}/box-${randomBytes(12).toString('hex')}`;
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  unlinkSync(path);
  return file;
}
