import type { AppliedImage, PlannedContainer, RunningContainer, Stage } from '@boxkit/contracts';
import { composeStages } from '@boxkit/core';
import type { BoxRunOptions, ProcessOptions } from '../options.ts';
import { applyLimits } from './apply-limits.ts';
import { recorded } from './containers/record.ts';
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
  const { platform: written, pull, concurrency, rootfsDriver, signal, budgets, strict, ...others } = options;
  const platform = await platformOption(written);
  const apply = {
    ...(others.name === undefined ? {} : { name: others.name }),
    ...(rootfsDriver === undefined ? {} : { driver: rootfsDriver }),
    ...applyLimits({ ...(budgets && { budgets }), ...(strict && { strict }) }),
  };
  const how = { ...platform, ...(pull && { pull }), ...(concurrency && { concurrency }), apply };
  const scope = openScope(machine, signal === undefined ? {} : { signal });
  return disposeWith(scope, async () => {
    const { found, row } = await obtain(text, how, scope);
    row.push(...isolateAndLaunch(others, { machine: scope, running, reference: found.reference.text }));
    return (await composeStages(row).run(found.reference as never, scope.context)) as RunningContainer;
  });
}

export interface LaunchSetting {
  readonly machine: Scope;
  readonly running: Set<RunningContainer>;
  /** What the container's record calls its image. */
  readonly reference: string;
}

/** The row from a rootfs to a running container. */
export function isolateAndLaunch(options: ProcessOptions, setting: LaunchSetting): Row {
  const { stdin = 'pipe', stdout = 'pipe', stderr = 'pipe', remove = true, labels, ...runOptions } = options;
  const { stages, plugins, store } = setting.machine;
  const record = { store, reference: setting.reference, remove, ...(labels === undefined ? {} : { labels }) };
  return [
    remove ? throwingAway(stages.isolate(runOptions)) : stages.isolate(runOptions),
    ...plugins.registry.stagesAfter('isolate'),
    tracked(recorded(stages.launch({ stdin, stdout, stderr }), record), setting.running),
  ];
}

/** `isolate` for a container that goes at its end, and leaves nothing for the disk to keep. */
function throwingAway(isolate: Stage<AppliedImage, PlannedContainer>): Stage<AppliedImage, PlannedContainer> {
  return {
    name: isolate.name,
    run(applied, context) {
      const { rootfs } = applied;
      const kept = rootfs.kind === 'overlay' ? { ...applied, rootfs: { ...rootfs, volatile: true } } : applied;
      return isolate.run(kept, context);
    },
  };
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
