import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { MediaType, parseDiffId, parseDigest, type Descriptor, type DiffId, type Digest } from '@boxkit/contracts';
import { writeTar, type RawTarBytes, type TarEntry, type TarOptions } from '../tar/tar-writer.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

/** Bytes and what they are called by. */
export interface BuiltBlob {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

export interface BuiltLayer extends BuiltBlob {
  readonly diffId: DiffId;
  /** The uncompressed tar. */
  readonly tar: Uint8Array;
  readonly compression: Compression;
}

/** Makes a layer of entries, or of a tar that there is already. */
export function buildLayer(
  content: readonly (TarEntry | RawTarBytes)[] | Uint8Array,
  options: TarOptions & { readonly compression?: Compression } = {},
): BuiltLayer {
  const compression = options.compression ?? 'gzip';
  const tar = content instanceof Uint8Array ? content : writeTar(content, options);
  const bytes = compress(tar, compression);
  const mediaType = { gzip: MediaType.ociLayerGzip, zstd: MediaType.ociLayerZstd, none: MediaType.ociLayer }[
    compression
  ];
  return { tar, bytes, compression, diffId: parseDiffId(digestOf(tar)), descriptor: describe(bytes, mediaType) };
}

/** An entry that hides `path` of lower layers. */
export function whiteout(path: string): TarEntry {
  return { path: posix.join(posix.dirname(path), `.wh.${posix.basename(path)}`) };
}

/** An entry that hides all that lower layers have in `directory`. */
export function opaque(directory: string): TarEntry {
  return { path: posix.join(directory, '.wh..wh..opq') };
}

export function digestOf(bytes: Uint8Array): Digest {
  return parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
}

/** The descriptor that fits some bytes. */
export function describe(bytes: Uint8Array, mediaType: string): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

function compress(tar: Uint8Array, compression: Compression): Uint8Array {
  if (compression === 'gzip') return gzipSync(tar);
  return compression === 'zstd' ? zstdCompressSync(tar) : tar;
}
