import { basename } from 'node:path';
import { BoxError, type StoredImage } from '@boxkit/contracts';
import { creationTime, type NewLayer } from '@boxkit/manifest/edit';
import type { AppendOptions } from '../../options.ts';
import { openScope, type Machine, type Scope } from '../machine.ts';
import { readDestination } from '../transfer/places.ts';
import { keepLayer } from './keep-layer.ts';
import { publishMade } from './publish-made.ts';
import { readLayerFile } from './read-layer-file.ts';
import { type ImageSource, nameOf, openBase } from './read-base.ts';

/** A layer to append: the path of a tar, plain or compressed by gzip or zstd, or its bytes. */
export type LayerSource = string | AsyncIterable<Uint8Array>;

export async function append(
  source: ImageSource,
  layers: readonly LayerSource[],
  options: AppendOptions,
  machine: Machine,
): Promise<StoredImage> {
  await using scope = openScope(machine, options);
  // All that can be refused before anything is fetched or written is refused first.
  const to = await readDestination(options.tag, 'store', scope.plugins);
  const created = creationTime();
  if (layers.length === 0) {
    throw new BoxError('ERR_BOX_USAGE', `cannot append to ${nameOf(source)}: no layer was given`, {
      hint: 'Name one or more tars, the lowest layer first.',
    });
  }
  const base = await openBase(source, options, to, scope);
  const kept: NewLayer[] = [];
  for (const layer of layers) kept.push(await keep(layer, options, scope));
  return await publishMade(base, { created, layers: kept }, to, scope);
}

async function keep(layer: LayerSource, options: AppendOptions, { store, context }: Scope): Promise<NewLayer> {
  const what = typeof layer === 'string' ? layer : 'the stream';
  const { compression = 'keep', level, createdBy, comment } = options;
  const { descriptor, diffId } = await keepLayer(
    store,
    typeof layer === 'string' ? readLayerFile(layer, 'append the layer') : layer,
    {
      what,
      compression,
      ...(level === undefined ? {} : { level }),
      signal: context.signal,
    },
  );
  const file = typeof layer === 'string' ? basename(layer) : 'a stream';
  const history = { created_by: createdBy ?? `box append ${file}`, ...(comment === undefined ? {} : { comment }) };
  return { descriptor, diffId, history };
}
