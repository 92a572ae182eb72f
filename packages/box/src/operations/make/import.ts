import { basename } from 'node:path';
import { BoxError, type Platform, type StoredImage } from '@boxkit/contracts';
import { hostPlatform } from '@boxkit/manifest';
import { type ConfigChanges, creationTime } from '@boxkit/manifest/edit';
import type { Cancellable } from '../../options.ts';
import { openScope, platformOption, type Machine } from '../machine.ts';
import { storeReference } from '../transfer/places.ts';
import { layerBytes } from './foreign-compression.ts';
import { keepLayer } from './keep-layer.ts';
import { recordMade } from './record-made.ts';
import { readLayerFile } from './read-layer-file.ts';

export interface ImportOptions extends Cancellable {
  /** What the image is called in the store; default: as the file is, without what follows its first dot. */
  readonly tag?: string;
  /** What the files are for; default: this machine's. */
  readonly platform?: Platform | string;
  /** The image's configuration. */
  readonly changes?: ConfigChanges;
  /** A remark in the history. */
  readonly message?: string;
  /** Compress the layer so; default: as it comes, or gzip. */
  readonly compression?: 'none' | 'gzip' | 'zstd';
  /** gzip: 0 to 9, zstd: 1 to 22. */
  readonly level?: number;
}

/** Makes an image with one layer of a tar of a root file system. */
export async function importRootfs(
  source: string | AsyncIterable<Uint8Array>,
  options: ImportOptions,
  machine: Machine,
): Promise<StoredImage> {
  await using scope = openScope(machine, options);
  const { signal } = scope.context;
  const what = typeof source === 'string' ? source : 'the stream';
  const { location, text } = storeReference(options.tag ?? nameOf(source));
  const { platform = thisMachine() } = await platformOption(options.platform);
  const created = creationTime();
  const { compression, level, changes, message = `imported from ${basename(what)}` } = options;
  const bytes = typeof source === 'string' ? readLayerFile(source, 'import') : source;
  const { descriptor, diffId } = await keepLayer(scope.store, layerBytes(bytes, { what, signal }), {
    what,
    signal,
    ...(compression === undefined ? {} : { compression }),
    ...(level === undefined ? {} : { level }),
  });
  const layers = [{ descriptor, diffId, history: { created_by: 'box import', comment: message } }];
  const reference = { scheme: 'docker', location, text } as never;
  return await recordMade(
    { base: undefined, platform, reference, created, layers, ...(changes === undefined ? {} : { changes }) },
    scope,
  );
}

/** Nobody knows what processor the files were compiled for: the variant is left out where it only tells of newer ones. */
function thisMachine(): Platform {
  const { variant, ...platform } = hostPlatform();
  return platform.architecture === 'arm' && variant !== undefined ? { ...platform, variant } : platform;
}

function nameOf(source: string | AsyncIterable<Uint8Array>): string {
  const name = typeof source === 'string' ? /^[^.]*/.exec(basename(source))?.[0].toLowerCase() : undefined;
  if (name !== undefined && name !== '') return name;
  throw new BoxError('ERR_BOX_USAGE', 'cannot import a tar without a name for the image', {
    hint: 'Name it: `box import rootfs.tar NEW`.',
  });
}
