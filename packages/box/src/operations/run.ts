import type { PlannedContainer, RunningContainer, Stage } from '@boxkit/contracts';
import { composeStages } from '@boxkit/core';
import type { BoxRunOptions, ProcessOptions } from '../options.ts';
import type { Machine, Row, Scope } from './machine.ts';
import { disposeWith, openScope, platformOption } from './machine.ts';
import { obtain } from './obtain.ts';

/** All five stages. `running` has the container from its start to its disposal. */
export async function run(
  text: string,
  options: BoxRunOptions,
  machine: Machine,
  running: Set<RunningContainer>,
): Promise<RunningContainer> {
  const { platform: written, pull, concurrency, rootfsDriver, signal, ...others } = options;
  const platform = await platformOption(written);
  const apply = {
    ...(others.name === undefined ? {} : { name: others.name }),
    ...(rootfsDriver === undefined ? {} : { driver: rootfsDriver }),
  };
  const how = { ...platform, ...(pull && { pull }), ...(concurrency && { concurrency }), apply };
  const scope = openScope(machine, signal === undefined ? {} : { signal });
  return disposeWith(scope, async () => {
    const { found, row } = await obtain(text, how, scope);
    row.push(...isolateAndLaunch(others, scope, running));
    return (await composeStages(row).run(found.reference as never, scope.context)) as RunningContainer;
  });
}

/** The row from a rootfs to a running container. */
export function isolateAndLaunch(options: ProcessOptions, machine: Scope, running: Set<RunningContainer>): Row {
  const { stdin = 'pipe', stdout = 'pipe', stderr = 'pipe', ...runOptions } = options;
  const { stages, plugins } = machine;
  return [
    stages.isolate(runOptions),
    ...plugins.registry.stagesAfter('isolate'),
    tracked(stages.launch({ stdin, stdout, stderr }), running),
  ];
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
