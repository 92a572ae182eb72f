import { isBoxError } from '@boxkit/contracts';
import type { ErrorCode } from '@boxkit/contracts';
import type { GlobalValues, Invocation } from '../command.ts';
import type { OptionSpecs } from '../args/options.ts';
import { escapeControls } from '../output/escape.ts';
import { formatError } from '../output/report-error.ts';
import { writeTo } from '../output/streams.ts';

type Io = Pick<Invocation<OptionSpecs>, 'write'> & { readonly global: GlobalValues };

/**
 * Does one thing to each container (or image) and prints what was given for it, as docker does, or what `act` resolves to.
 * One that fails keeps none of the others from it; the status is then 1. `ignored` are codes that are no failure.
 */
export async function forEach(
  containers: readonly string[],
  { write, global }: Io,
  act: (container: string) => Promise<string | void>,
  ignored: readonly ErrorCode[] = [],
): Promise<number> {
  let status = 0;
  for (const container of containers) {
    try {
      const told = (await act(container)) ?? container;
      if (!global.quiet) write(`${escapeControls(told)}\n`);
    } catch (error) {
      if (ignored.some((code) => isBoxError(error, code))) continue;
      if (!isBoxError(error) || isBoxError(error, 'ERR_BOX_ABORTED')) throw error;
      writeTo('stderr', formatError(error, global));
      status = 1;
    }
  }
  return status;
}
