import type { PlannedContainer } from '@boxkit/contracts';
import { composeStages } from '@boxkit/core';
import type { PlanOptions } from '../options.ts';
import { applyLimits } from './apply-limits.ts';
import type { Machine } from './machine.ts';
import { openScope, platformOption } from './machine.ts';
import { obtain } from './obtain.ts';

/** All stages but the last. The rootfs is taken away again: what comes out is for reading. */
export async function plan(text: string, options: PlanOptions, machine: Machine): Promise<PlannedContainer> {
  const { platform: written, pull, concurrency, rootfsDriver, signal, volumes, budgets, strict, ...others } = options;
  // a volume with a name would stay
  const nameless = volumes?.map(({ name: _name, ...volume }) => volume);
  const runOptions = { ...others, ...(nameless && { volumes: nameless }) };
  await using scope = openScope(machine, signal === undefined ? {} : { signal });
  const platform = await platformOption(written);
  const limits = applyLimits({ ...(budgets && { budgets }), ...(strict && { strict }) });
  const apply = { ...limits, ...(rootfsDriver === undefined ? {} : { driver: rootfsDriver }) };
  const how = { ...platform, ...(pull && { pull }), ...(concurrency && { concurrency }), apply };
  const { found, row } = await obtain(text, how, scope);
  row.push(scope.stages.isolate(runOptions), ...scope.plugins.registry.stagesAfter('isolate'));
  return (await composeStages(row).run(found.reference as never, scope.context)) as PlannedContainer;
}
