import { resolve } from 'node:path';
import type { AppliedImage } from '@boxkit/contracts';
import { composeStages } from '@boxkit/core';
import type { UnpackOptions } from '../options.ts';
import type { Machine } from './machine.ts';
import { applyLimits } from './apply-limits.ts';
import { openScope, platformOption } from './machine.ts';
import { obtain } from './obtain.ts';

export async function unpack(
  text: string,
  directory: string,
  options: UnpackOptions,
  machine: Machine,
): Promise<AppliedImage> {
  await using scope = openScope(machine, options);
  const platform = await platformOption(options.platform);
  const wanted = { ...options, ...platform } as typeof options & typeof platform;
  const { found, row } = await obtain(
    text,
    { ...wanted, apply: { directory: resolve(directory), ...applyLimits(options) } },
    scope,
  );
  return (await composeStages(row).run(found.reference as never, scope.context)) as AppliedImage;
}
