import { join, sep } from 'node:path';
import { BoxError } from '@boxkit/contracts';
import type { PlannedContainer, RunningContainer } from '@boxkit/contracts';
import { composeStages } from '@boxkit/core';
import type { ContainerRecord } from '@boxkit/store';
import { recorded } from '../containers/record.ts';
import type { Machine, Scope } from '../machine.ts';
import { disposeWith, openScope } from '../machine.ts';
import { readPlanned } from './documents.ts';
import type { LaunchDocumentOptions } from './options.ts';

/** Starts a plan. The container that `apply` made for it, if any, gets its state, and stays unless it is to be removed. */
export async function launchDocument(
  value: unknown,
  options: LaunchDocumentOptions,
  machine: Machine,
  running: Set<RunningContainer>,
): Promise<RunningContainer> {
  const { signal, remove = false, stdin = 'ignore', stdout = 'pipe', stderr = 'pipe' } = options;
  const planned = readPlanned(value);
  const scope = openScope(machine, signal === undefined ? {} : { signal });
  return disposeWith(scope, async () => {
    const { store, stages, context } = scope;
    const record = await findRecord(planned, scope);
    if (remove && record !== undefined)
      context.defer(async () => void (await store.containers.remove(record.containerId)));
    const reference = record?.uses?.reference ?? '';
    const launch = recorded(stages.launch({ stdin, stdout, stderr }), { store, reference, remove });
    const container = (await composeStages([launch]).run(planned as never, context)) as RunningContainer;
    running.add(container);
    context.defer(() => void running.delete(container));
    return container;
  });
}

async function findRecord(planned: PlannedContainer, { store }: Scope): Promise<ContainerRecord | undefined> {
  const { containerId, name, bundle } = planned;
  const found = await store.containers.find(containerId);
  if (found === undefined) {
    if (!bundle.directory.startsWith(join(store.home, 'containers') + sep)) return undefined;
    throw new BoxError('ERR_BOX_CONTAINER_UNKNOWN', `cannot launch the container ${name}: the store has it no more`, {
      hint: 'Make it anew with `box apply`, and plan it with `box isolate`.',
      fields: { containerId },
    });
  }
  if (found.status !== 'running') return found;
  throw new BoxError('ERR_BOX_USAGE', `cannot launch the container ${name}: it is running`, {
    hint: 'One rootfs serves one container at a time; `box apply` makes another.',
    fields: { containerId },
  });
}
