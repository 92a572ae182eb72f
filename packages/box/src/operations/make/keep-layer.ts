import type { Descriptor, DiffId } from '@boxkit/contracts';
import { checkLevel, compressLayer, layerMediaTypes, openTar, verifyTar } from '@boxkit/layer-applier';
import type { Compression, TarVerifier } from '@boxkit/layer-applier';
import type { DiskStore, NewBlob } from '@boxkit/store';

export interface KeepLayerOptions {
  /**
   * How the blob is to be compressed, whatever the layer comes as; `keep` takes the very bytes that come. Default: `keep`
   * for what comes compressed, else gzip.
   */
  readonly compression?: Compression | 'keep';
  /** gzip: 0 to 9, default 6. zstd: 1 to 22, default 3. */
  readonly level?: number;
  /** What the layer is called in errors: `layer.tar`. */
  readonly what?: string;
  readonly signal: AbortSignal;
}

/** A layer in the store's blobs, ready for a manifest. */
export interface KeptLayer {
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
  /** Entries of the tar. */
  readonly entries: number;
  /** Bytes of the tar. */
  readonly bytes: number;
}

/**
 * Puts a layer into the store: reads it as an extraction would, compresses it, and takes both digests, in one pass over
 * a stream of any length. Nothing stays of a layer that is not in order. Throws ERR_BOX_LAYER_INVALID for what is no
 * tar, ERR_BOX_LAYER_UNSAFE, _UNSUPPORTED, ERR_BOX_BUDGET_EXCEEDED, ERR_BOX_STORE_FULL, ERR_BOX_STORE_UNWRITABLE, and
 * ERR_BOX_USAGE for a level that the compression has not.
 */
export async function keepLayer(
  store: DiskStore,
  tar: AsyncIterable<Uint8Array>,
  options: KeepLayerOptions,
): Promise<KeptLayer> {
  const { signal, what = 'the stream', level } = options;
  const asked = options.compression;
  if (asked !== undefined && asked !== 'keep')
    checkLevel({ compression: asked, ...(level !== undefined && { level }) });
  await using blob = store.blobs.create({ signal });
  const raw = tap(tar, signal);
  const opened = await openTar(raw.chunks, { what });
  const compression = asked ?? (opened.compression === 'none' ? 'gzip' : 'keep');
  await using verifier = await verifyTar({ what, signal });
  await raw.into(compression === 'keep' ? blob : undefined);
  if (compression === 'keep') {
    for await (const chunk of opened.chunks) await verifier.write(chunk);
  } else {
    const watched = verified(opened.chunks, verifier);
    const how = { compression, ...(level !== undefined && { level }) };
    for await (const chunk of compressLayer(watched, how)) await blob.write(chunk);
  }
  const { diffId, entries, bytes } = await verifier.end();
  const { digest, size } = await blob.commit();
  const mediaType = layerMediaTypes[compression === 'keep' ? opened.compression : compression];
  return { descriptor: { mediaType, digest, size }, diffId, entries, bytes };
}

async function* verified(
  chunks: AsyncIterable<Uint8Array>,
  verifier: TarVerifier,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    await verifier.write(chunk);
    yield chunk;
  }
}

interface Tap {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Says where what passes is written, from the first byte; undefined for nowhere. */
  into(blob: NewBlob | undefined): Promise<void>;
}

/** Passes a stream on and copies it into a blob. Whether it is to be copied shows when its beginning has passed. */
function tap(source: AsyncIterable<Uint8Array>, signal: AbortSignal): Tap {
  const early: Uint8Array[] = [];
  let decided = false;
  let target: NewBlob | undefined;
  async function* passed(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of source) {
      signal.throwIfAborted();
      if (decided) await target?.write(chunk);
      else early.push(chunk);
      yield chunk;
    }
  }
  return {
    chunks: passed(),
    async into(blob) {
      decided = true;
      target = blob;
      for (const chunk of early.splice(0)) await blob?.write(chunk);
    },
  };
}
