import type { Image, PrepareOptions, StageContext } from '@boxkit/contracts';
import { findStack, type ReadyStack } from './overlay-stack.ts';

/** The stack of an image, its layers extracted and settled when they are not yet. */
export async function ensureStack(image: Image, context: StageContext, options: PrepareOptions): Promise<ReadyStack> {
  // Which of the layers are not whole is in their indexes, which are read below.
  const ready = options.strict === true ? undefined : await findStack(image, context);
  if (ready !== undefined) return ready;
  // Loaded when needed: a start that finds all layers in the store is not to pay for it.
  const { buildStack } = await import('./overlay-build.ts');
  return buildStack(image, context, options);
}
