import { BoxError, type StoredImage } from '@boxkit/contracts';
import { creationTime } from '@boxkit/manifest/edit';
import type { FlattenOptions, SquashOptions } from '../../options.ts';
import { openScope, type Machine, type Scope } from '../machine.ts';
import { readDestination, storeReference } from '../transfer/places.ts';
import { keepLayer } from './keep-layer.ts';
import { publishMade } from './publish-made.ts';
import { type Base, type ImageSource, nameOf, openBase } from './read-base.ts';

/** Makes the upper layers of an image one. Throws ERR_BOX_USAGE for a choice of layers that is none. */
export async function squash(source: ImageSource, options: SquashOptions, machine: Machine): Promise<StoredImage> {
  if (options.base === undefined && options.last === undefined) {
    throw new BoxError('ERR_BOX_USAGE', `cannot squash ${nameOf(source)}: which of its layers is not said`, {
      hint: 'Name the image whose layers are to stay (--base), or how many of the last layers are to become one (--last).',
    });
  }
  return makeOne(source, options, machine);
}

/** Makes all layers of an image one. */
export async function flatten(source: ImageSource, options: FlattenOptions, machine: Machine): Promise<StoredImage> {
  return makeOne(source, options, machine);
}

async function makeOne(source: ImageSource, options: SquashOptions, machine: Machine): Promise<StoredImage> {
  await using scope = openScope(machine, options);
  const to = await readDestination(options.tag, 'store', scope.plugins);
  const created = creationTime();
  const base = await openBase(source, options, to, scope);
  const kept = await keptLayers(base, options, scope);
  const count = base.image.layers.length;
  if (count === kept) throw new BoxError('ERR_BOX_USAGE', `cannot make one layer of ${nameOf(source)}: there is none`);
  const { openIndexedImage, squashLayers } = await import('@boxkit/layer-applier');
  const { image } = base;
  const indexed = await openIndexedImage(image, scope.context);
  await using staging = await scope.store.stage('squash');
  const { signal } = scope.context;
  const tar = squashLayers({ image, indexed, from: kept, staging: staging.path, signal });
  const { compression = 'gzip', level, comment } = options;
  const how = {
    compression,
    what: `the one layer of ${nameOf(source)}`,
    ...(level !== undefined && { level }),
    signal,
  };
  const { descriptor, diffId } = await keepLayer(scope.store, tar, how);
  const command =
    kept === 0 ? `box flatten: ${count} layers` : `box squash: the upper ${count - kept} of ${count} layers`;
  const history = { created_by: options.createdBy ?? command, ...(comment !== undefined && { comment }) };
  const edit = { created, keptLayers: kept, layers: [{ descriptor, diffId, history }] };
  return await publishMade(base, edit, to, scope);
}

/** How many of the lowest layers stay: those of another image, or all but the last few. */
async function keptLayers({ image }: Base, { base, last }: SquashOptions, scope: Scope): Promise<number> {
  const count = image.layers.length;
  if (base !== undefined && last !== undefined) {
    throw new BoxError('ERR_BOX_USAGE', 'cannot squash: the layers are chosen twice, by a base and by their number');
  }
  if (last !== undefined) {
    if (Number.isInteger(last) && last > 0 && last <= count) return count - last;
    throw new BoxError('ERR_BOX_USAGE', `cannot squash the last ${last} layers: the image has ${count}`, {
      hint: '`box layers` lists them.',
    });
  }
  if (base === undefined) return 0;
  const lower = (await openBase(base, { platform: image.platform }, storeReference('base'), scope)).image.layers;
  const fits = lower.every(({ chainId }, at) => image.layers[at]?.chainId === chainId);
  if (fits && lower.length < count) return lower.length;
  throw new BoxError('ERR_BOX_USAGE', `cannot squash the layers above ${base}: the image is not made of it`, {
    hint: 'Its lowest layers must be those of the base, with at least one above them; `box diff` compares two images.',
  });
}
