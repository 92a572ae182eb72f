import {
  BoxError,
  digestParts,
  parseDigest,
  type Descriptor,
  type Digest,
  type ResolvedImage,
  type SourceStream,
} from '@boxkit/contracts';
import { createHash } from 'node:crypto';
import type { ArchiveFile, ArchiveFiles } from './archive-files.ts';

/** A small blob that is not in the archive as it is, or that was read already. */
export interface Document {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** Names bytes by their SHA-256. */
export function describeBytes(mediaType: string, bytes: Uint8Array): Document {
  const digest = parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

/** An image whose blobs are files of an archive, which is closed with it. */
export function resolvedImage(
  files: ArchiveFiles,
  root: Descriptor,
  parts: {
    readonly documents?: readonly Document[];
    /** The file of a blob; undefined when the archive has none. */
    readonly find: (digest: Digest) => Promise<ArchiveFile | undefined>;
  },
): ResolvedImage {
  const documents = new Map((parts.documents ?? []).map(({ descriptor, bytes }) => [descriptor.digest, bytes]));
  return {
    descriptor: root,
    async open(descriptor, { offset = 0, signal }) {
      const bytes = documents.get(descriptor.digest);
      if (bytes !== undefined) return streamFrom(offset, [bytes.subarray(offset)]);
      const file = await parts.find(descriptor.digest);
      if (file === undefined) throw missing(files.path, descriptor.digest);
      if (file.size !== descriptor.size) throw wrongSize(files.path, descriptor, file.size);
      return streamFrom(offset, file.read(offset, signal));
    },
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  };
}

/** A stream for a source, of chunks that begin at `startedAt`. */
export function streamFrom(startedAt: number, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): SourceStream {
  return {
    startedAt,
    async *[Symbol.asyncIterator]() {
      yield* chunks;
    },
  };
}

/** Where an image layout keeps a blob. OCI image-spec, image-layout.md "Blobs". */
export function blobPath(digest: Digest): string {
  const { algorithm, hex } = digestParts(digest);
  return `blobs/${algorithm}/${hex}`;
}

function missing(archive: string, digest: Digest): BoxError {
  return new BoxError(
    'ERR_BOX_BLOB_MISSING',
    `cannot read ${digest} of the image in ${archive}: there is no such blob`,
    {
      hint: 'The archive is incomplete, or holds another platform only: copy the image again.',
      fields: { archive, digest },
    },
  );
}

function wrongSize(archive: string, descriptor: Descriptor, size: number): BoxError {
  return new BoxError(
    'ERR_BOX_SIZE_MISMATCH',
    `cannot read ${descriptor.digest} of the image in ${archive}: it has ${size} bytes instead of ${descriptor.size}`,
    { hint: 'The archive is damaged: copy the image again.', fields: { expected: descriptor.size, received: size } },
  );
}
