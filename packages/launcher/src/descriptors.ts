import { closeSync, openSync } from 'node:fs';
import { machine, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IOType } from 'node:child_process';
import { BoxError, type LaunchPlan, type PlanDescriptor } from '@boxkit/contracts';
import { encodeProgram, stubExecutable, type StubMachine } from '@boxkit/linux';
import { unnamedFile } from './unnamed-file.ts';

/** What the child inherits from descriptor 3 on, ready for spawn. Disposing closes this side's copies. */
export interface OpenDescriptors extends Disposable {
  readonly stdio: readonly (IOType | number)[];
}

/** Opens what the plan names beyond 0, 1 and 2. `home` is the store's. */
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
      return stubDescriptor(home);
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
function bytesDescriptor(bytes: Uint8Array): number {
  return unnamedFile(bytes, 0o600, ['/dev/shm', tmpdir()]);
}

/**
 * A copy of the stub for this container alone: whoever is root inside can come by the program that started him
 * (`#!/proc/self/exe`, CVE-2019-5736), and what he writes into it must not be what the next container is started with.
 */
function stubDescriptor(home: string): number {
  return unnamedFile(stubExecutable(stubMachine()), 0o700, [join(home, 'tmp'), '/dev/shm', tmpdir()]);
}
