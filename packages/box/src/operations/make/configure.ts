import type { StoredImage } from '@boxkit/contracts';
import { creationTime, type ConfigChanges } from '@boxkit/manifest/edit';
import type { ConfigureOptions } from '../../options.ts';
import { openScope, type Machine } from '../machine.ts';
import { readDestination } from '../transfer/places.ts';
import { publishMade } from './publish-made.ts';
import { type ImageSource, openBase } from './read-base.ts';

export async function configure(
  source: ImageSource,
  changes: ConfigChanges,
  options: ConfigureOptions,
  machine: Machine,
): Promise<StoredImage> {
  await using scope = openScope(machine, options);
  const to = await readDestination(options.tag, 'store', scope.plugins);
  const created = options.created ?? creationTime();
  const { createdBy = 'box config', comment } = options;
  const base = await openBase(source, options, to, scope);
  const step = { created_by: createdBy, ...(comment === undefined ? {} : { comment }) };
  return await publishMade(base, { created, changes, step }, to, scope);
}
