import type { Cancellable } from '../../options.ts';
import { openScope, type Machine } from '../machine.ts';
import { containerTar, findForReading } from './container-tar.ts';

/** All that a container sees as one tar, without what is mounted in it. */
export async function* exportContainer(
  text: string,
  options: Cancellable,
  machine: Machine,
): AsyncGenerator<Uint8Array, void, undefined> {
  await using scope = openScope(machine, options);
  const record = await findForReading(text, 'export', scope);
  yield* containerTar(record, 'everything', scope);
}
