import type { PlannedContainer, RunningContainer, Stage } from '@boxkit/contracts';
import { composeStages } from '@boxkit/core';
import type { BoxRunOptions } from '../options.ts';
import type { Machine } from './machine.ts';
import { platformOption } from './machine.ts';
import { obtain } from './obtain.ts';

/** All five stages. `running` has the container from its start to its disposal. */
export async function run(
  text: string,
  options: BoxRunOptions,
  machine: Machine,
  running: Set<RunningContainer>,
): Promise<RunningContainer> {
  const { platform: written, pull, concurrency, rootfsDriver, signal, ...others } = options;
  const { stdin = 'pipe', stdout = 'pipe', stderr = 'pipe', ...runOptions } = others;
  const platform = await platformOption(written);
  const apply = {
    ...(runOptions.name === undefined ? {} : { name: runOptions.name }),
    ...(rootfsDriver === undefined ? {} : { driver: rootfsDriver }),
  };
  const how = { ...platform, ...(pull && { pull }), ...(concurrency && { concurrency }), apply };
  const { found, row } = await obtain(text, how, machine);
  const { stages, plugins } = machine;
  const launch = stages.launch({ stdin, stdout, stderr });
  row.push(stages.isolate(runOptions), ...plugins.registry.stagesAfter('isolate'), tracked(launch, running));
  const context = machine.context(signal === undefined ? {} : { signal });
  return (await composeStages(row).run(found.reference as never, context)) as RunningContainer;
}

function tracked(
  launch: Stage<PlannedContainer, RunningContainer>,
  running: Set<RunningContainer>,
): Stage<PlannedContainer, RunningContainer> {
  return {
    name: launch.name,
    async run(planned, context) {
      const container = await launch.run(planned, context);
      running.add(container);
      context.defer(() => void running.delete(container));
      return container;
    },
  };
}
