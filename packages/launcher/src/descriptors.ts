import { closeSync, openSync } from 'node:fs';
import { machine, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Socket } from 'node:net';
import { BoxError, type LaunchPlan, type PlanDescriptor } from '@boxkit/contracts';
import { encodeProgram, makeSocketPair, stubExecutable, type StubMachine } from '@boxkit/linux';
import { unnamedFile } from './unnamed-file.ts';

/** What the child inherits from descriptor 3 on. Disposing closes these; the report's other end stays open. */
export interface OpenDescriptors extends Disposable {
  readonly fds: readonly number[];
  /** What the child tells, and may be answered by; undefined when the plan has no report. */
  readonly report: Socket | undefined;
}

/** Opens what the plan names beyond 0, 1 and 2. `home` is the store's. */
export function openDescriptors(plan: Pick<LaunchPlan, 'descriptors'>, home: string): OpenDescriptors {
  const fds: number[] = [];
  let report: Socket | undefined;
  const close = (): void => {
    for (const fd of fds.splice(0)) closeSync(fd);
  };
  try {
    for (const descriptor of plan.descriptors) {
      if (descriptor.fd !== fds.length + 3) {
        throw new BoxError('ERR_BOX_INTERNAL', `descriptor ${descriptor.fd} of the launch plan is out of order`);
      }
      if (descriptor.kind === 'report') {
        const [own, childs] = makeSocketPair();
        fds.push(childs);
        report = new Socket({ fd: own, readable: true, writable: true });
      } else fds.push(openDescriptor(descriptor, home));
    }
    return { fds, report, [Symbol.dispose]: close };
  } catch (error) {
    close();
    report?.destroy();
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
