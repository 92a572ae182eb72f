import { BoxError } from '@boxkit/contracts';
import { openScope } from '../machine.ts';
import type { Machine } from '../machine.ts';
import { copyIn } from './copy.ts';
import type { CopiedImage, TransferOptions } from './copy.ts';
import { readDestination, storeScheme } from './places.ts';

/**
 * Writes an image of the store to a registry: to the place that its name says, or to another. Throws ERR_BOX_IMAGE_UNKNOWN
 * for what the store has not, ERR_BOX_REGISTRY_* for what the registry refuses; no tag is moved then.
 */
export async function push(
  text: string,
  destination: string | undefined,
  options: TransferOptions,
  machine: Machine,
): Promise<CopiedImage> {
  await using scope = openScope(machine, options);
  const named = await readDestination(destination ?? text, 'registry', scope.plugins);
  if (named.scheme === storeScheme) throw notElsewhere(named.text);
  const source = text.startsWith(`${storeScheme}:`) ? text : `${storeScheme}:${text}`;
  return await copyIn(source, named, { ...options, plain: 'registry' }, scope);
}

function notElsewhere(name: string): BoxError {
  return new BoxError('ERR_BOX_USAGE', `cannot push to ${name}: that is the store itself`, {
    hint: 'Name a registry: host/repository:tag.',
  });
}
