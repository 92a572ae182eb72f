import { resolve } from 'node:path';
import { applyLimits } from '../apply-limits.ts';
import type { Scope, Row } from '../machine.ts';
import { platformOption } from '../machine.ts';
import { obtain } from '../obtain.ts';
import { useDirectory } from '../run-directory.ts';
import type { DetachedOptions, DetachTarget } from './supervisor-protocol.ts';
import type { DetachRunOptions } from './types.ts';

/** The row from a target to a planned container, its input, and what the record calls the target. */
export async function planRow(
  target: Exclude<DetachTarget, { readonly containerId: string }>,
  options: DetachedOptions,
  scope: Scope,
): Promise<{ readonly reference: string; readonly row: Row; readonly input: unknown }> {
  const {
    platform: written,
    pull,
    concurrency,
    rootfsDriver,
    budgets,
    strict,
    ...others
  } = options as DetachRunOptions;
  const { remove: _remove, labels: _labels, restart: _restart, timeout: _timeout, logLimit: _limit, ...rest } = others;
  const { interactive: _interactive, ...runOptions } = rest;
  const planning = [scope.stages.isolate(runOptions), ...scope.plugins.registry.stagesAfter('isolate')];
  if ('directory' in target) {
    const path = resolve(target.directory);
    return { reference: `directory:${path}`, row: [useDirectory(runOptions.name), ...planning], input: path };
  }
  const platform = await platformOption(written);
  const apply = {
    ...(runOptions.name === undefined ? {} : { name: runOptions.name }),
    ...(rootfsDriver === undefined ? {} : { driver: rootfsDriver }),
    ...applyLimits({ ...(budgets && { budgets }), ...(strict && { strict }) }),
  };
  const how = { ...platform, ...(pull && { pull }), ...(concurrency && { concurrency }), apply };
  const { found, row } = await obtain(target.reference, how, scope);
  return { reference: found.reference.text, row: [...row, ...planning], input: found.reference };
}
