import { splitImagePath } from '@boxkit/box';
import type { ImageLook } from '@boxkit/box';
import { readApplyLimits } from '../args/budgets.ts';
import type { OptionSpecs, OptionValues } from '../args/options.ts';
import { usage } from '../args/parse.ts';
import type { Invocation } from '../command.ts';
import { budgetOption, platformOption, pullOption } from '../commands/shared-options.ts';
import type { PullChoice } from '../commands/shared-options.ts';

/** What every command that looks into an image takes. */
export const lookOptions = {
  platform: platformOption,
  pull: pullOption,
  budget: budgetOption,
} as const satisfies OptionSpecs;

type LookInvocation = Pick<Invocation<OptionSpecs>, 'operands' | 'signal' | 'openBox' | 'renderer'> & {
  readonly values: OptionValues<typeof lookOptions>;
};

/** The options of a look, for the library. */
export function readLookOptions({ values, signal }: Pick<LookInvocation, 'values' | 'signal'>) {
  return {
    signal,
    ...readApplyLimits(values),
    ...(values.platform === undefined ? {} : { platform: values.platform }),
    ...(values.pull === undefined ? {} : { pull: values.pull as NonNullable<PullChoice> }),
  };
}

/** `REF`, `REF:/PATH` or `REF PATH`, opened. */
export async function openLook(invocation: LookInvocation): Promise<{ look: ImageLook; path: string }> {
  const { reference, path } = readImagePath(invocation.operands);
  const box = await invocation.openBox();
  const look = await box.look(reference, readLookOptions(invocation));
  invocation.renderer.clear();
  return { look, path };
}

export function readImagePath([first = '', second]: readonly string[]): { reference: string; path: string } {
  const { reference, path } = splitImagePath(first);
  if (path !== undefined && second !== undefined) throw usage('a path is given twice: after the reference, and alone');
  return { reference, path: path ?? second ?? '/' };
}
