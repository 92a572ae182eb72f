import { BoxError, type StoredImage } from '@boxkit/contracts';
import { creationTime } from '@boxkit/manifest/edit';
import type { FlattenOptions, SquashOptions } from '../../options.ts';
import { openLook } from '../look/open-look.ts';
import { openScope, type Machine, type Scope } from '../machine.ts';
import { storedBlobs } from '../stored-blobs.ts';
import { readDestination, storeReference } from '../transfer/places.ts';
import { keepLayer } from './keep-layer.ts';
import { publishMade } from './publish-made.ts';
import { openBase, type Base } from './read-base.ts';

/** Makes the upper layers of an image one. Throws ERR_BOX_USAGE for a choice of layers that is none. */
export async function squash(text: string, options: SquashOptions, machine: Machine): Promise<StoredImage> {
  if (options.base === undefined && options.last === undefined) {
    throw new BoxError('ERR_BOX_USAGE', `cannot squash ${text}: which of its layers is not said`, {
      hint: 'Name the image whose layers are to stay, or how many of the last layers are to become one.',
    });
  }
  return makeOne(text, options, machine);
}

/** Makes all layers of an image one. */
export async function flatten(text: string, options: FlattenOptions, machine: Machine): Promise<StoredImage> {
  return makeOne(text, options, machine);
}

async function makeOne(text: string, options: SquashOptions, machine: Machine): Promise<StoredImage> {
  await using scope = openScope(machine, options);
  const to = await readDestination(options.tag, 'store', scope.plugins);
  const created = creationTime();
  const base = await openBase(text, options, to, scope);
  const kept = await keptLayers(base, options, scope);
  const count = base.image.layers.length;
  if (count === kept) throw new BoxError('ERR_BOX_USAGE', `cannot make one layer of ${text}: there is none`);
  // Its layers are read from the store, where they are verified and indexed.
  await using look = await openLook(text, lookOptions(options), machine);
  if (look.image.manifest.digest !== base.image.manifest.digest) throw moved(text);
  await using staging = await scope.store.stage('squash');
  const { signal } = scope.context;
  const { squashLayers } = await import('@boxkit/layer-applier');
  const image = { ...look.image, blobs: storedBlobs(scope.store) };
  const tar = squashLayers({ image, tree: look.tree, from: kept, staging: staging.path, signal });
  const { compression = 'gzip', level, comment } = options;
  const how = { compression, what: `the one layer of ${text}`, ...(level !== undefined && { level }), signal };
  const { descriptor, diffId } = await keepLayer(scope.store, tar, how);
  const command =
    kept === 0 ? `box flatten: ${count} layers` : `box squash: the upper ${count - kept} of ${count} layers`;
  const history = { created_by: options.createdBy ?? command, ...(comment !== undefined && { comment }) };
  const edit = { created, keptLayers: kept, layers: [{ descriptor, diffId, history }] };
  return await publishMade(base, edit, to, scope);
}

function lookOptions({ platform, pull, signal, concurrency }: SquashOptions): Parameters<typeof openLook>[1] {
  return {
    ...(platform !== undefined && { platform }),
    ...(pull && { pull }),
    ...(signal && { signal }),
    ...(concurrency !== undefined && { concurrency }),
  };
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

function moved(text: string): BoxError {
  return new BoxError('ERR_BOX_IMAGE_UNKNOWN', `cannot squash ${text}: it became another image meanwhile`, {
    hint: 'Give the command again.',
  });
}
