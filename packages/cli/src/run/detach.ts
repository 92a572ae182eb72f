import type { Box, BoxRunOptions, DetachedContainer } from '@boxkit/box';
import { usage } from '../args/parse.ts';
import type { RunValues } from './read-options.ts';

export interface DetachTarget {
  /** Undefined where a directory stands for an image. */
  readonly reference: string | undefined;
  readonly directory: string;
}

/** Throws ERR_BOX_USAGE for what makes no sense together. */
export function checkDetachOptions(values: RunValues): void {
  const restarts = values.restart !== undefined && values.restart !== 'no';
  if (restarts && !values.detach)
    throw usage('option --restart needs --detach: somebody must be there to start it again');
  if (restarts && values.rm) throw usage('options --restart and --rm contradict each other');
}

/** Starts a container that outlives this command. */
export function startDetached(
  box: Box,
  { reference, directory }: DetachTarget,
  values: RunValues,
  options: BoxRunOptions & { readonly timeout?: number },
): Promise<DetachedContainer> {
  const how = {
    ...options,
    remove: values.rm,
    interactive: values.interactive,
    ...(values.restart === undefined ? {} : { restart: values.restart }),
  };
  return reference === undefined
    ? box.containers.detachDirectory(directory, how)
    : box.containers.detach(reference, how);
}
