import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { BoxError, type StoredImage } from '@boxkit/contracts';
import { creationTime, type NewLayer } from '@boxkit/manifest/edit';
import type { AppendOptions } from '../../options.ts';
import { openScope, type Machine, type Scope } from '../machine.ts';
import { readDestination } from '../transfer/places.ts';
import { keepLayer } from './keep-layer.ts';
import { publishMade } from './publish-made.ts';
import { openBase } from './read-base.ts';

/** A layer to append: the path of a tar, plain or compressed by gzip or zstd, or its bytes. */
export type LayerSource = string | AsyncIterable<Uint8Array>;

export async function append(
  text: string,
  layers: readonly LayerSource[],
  options: AppendOptions,
  machine: Machine,
): Promise<StoredImage> {
  await using scope = openScope(machine, options);
  // All that can be refused before anything is fetched or written is refused first.
  const to = await readDestination(options.tag, 'store', scope.plugins);
  const created = creationTime();
  if (layers.length === 0) {
    throw new BoxError('ERR_BOX_USAGE', `cannot append to ${text}: no layer was given`, {
      hint: 'Name one or more tars, the lowest layer first.',
    });
  }
  const base = await openBase(text, options, to, scope);
  const kept: NewLayer[] = [];
  for (const layer of layers) kept.push(await keep(layer, options, scope));
  return await publishMade(base, { created, layers: kept }, to, scope);
}

async function keep(layer: LayerSource, options: AppendOptions, { store, context }: Scope): Promise<NewLayer> {
  const what = typeof layer === 'string' ? layer : 'the stream';
  const { compression = 'keep', level, createdBy, comment } = options;
  const { descriptor, diffId } = await keepLayer(store, open(layer), {
    what,
    compression,
    ...(level === undefined ? {} : { level }),
    signal: context.signal,
  });
  const file = typeof layer === 'string' ? basename(layer) : 'a stream';
  const history = { created_by: createdBy ?? `box append ${file}`, ...(comment === undefined ? {} : { comment }) };
  return { descriptor, diffId, history };
}

async function* open(layer: LayerSource): AsyncGenerator<Uint8Array, void, undefined> {
  if (typeof layer !== 'string') {
    yield* layer;
    return;
  }
  try {
    for await (const chunk of createReadStream(layer, { highWaterMark: 2 ** 18 })) yield chunk as Uint8Array;
  } catch (error) {
    throw unreadable(layer, error);
  }
}

function unreadable(path: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  const why = { ENOENT: 'there is no such file', EISDIR: 'it is a directory', EACCES: 'permission denied' }[code];
  return new BoxError('ERR_BOX_FILE_UNREADABLE', `cannot append the layer ${path}: ${why ?? code}`, {
    hint:
      code === 'EISDIR'
        ? 'Make a layer of it with `box layer create DIR -o layer.tar`.'
        : 'Name a tar that you may read.',
    cause: error,
    fields: { path, errno: code },
  });
}
