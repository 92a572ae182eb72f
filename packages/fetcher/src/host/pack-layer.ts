import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack, type Pack } from 'tar-stream';
import { MediaType, parseDigest, parseDiffId, type Descriptor, type DiffId } from '@boxkit/contracts';
import { HostProgramError, reasonOf } from './errors.ts';
import type { TreeEntry } from './host-tree.ts';

/** A layer written to a file, and what names it. */
export interface PackedLayer {
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
  readonly path: string;
}

/** The same bytes from the same input, whenever it is packed: layers are shared by their digests. */
const epoch = new Date(0);

/** Writes entries (absolute paths, parents first) as one layer to `file`, hashing while it writes. */
export async function packLayer(
  entries: readonly (readonly [path: string, entry: TreeEntry])[],
  file: string,
  options: { readonly compress: boolean; readonly signal: AbortSignal },
): Promise<PackedLayer> {
  const tar = pack();
  const uncompressed = new Meter();
  const stored = new Meter();
  const destination = createWriteStream(file, { flags: 'wx', mode: 0o600 });
  const { signal } = options;
  const written = options.compress
    ? // Level 1: the layer is read again at once, and rarely travels.
      pipeline(tar, uncompressed, createGzip({ level: 1, chunkSize: 256 * 1024 }), stored, destination, { signal })
    : pipeline(tar, uncompressed, stored, destination, { signal });
  await Promise.all([written, addEntries(tar, entries)]);
  return {
    descriptor: {
      mediaType: options.compress ? MediaType.ociLayerGzip : MediaType.ociLayer,
      digest: parseDigest(stored.digest()),
      size: stored.bytes,
    },
    diffId: parseDiffId(uncompressed.digest()),
    path: file,
  };
}

async function addEntries(tar: Pack, entries: readonly (readonly [string, TreeEntry])[]): Promise<void> {
  try {
    for (const [path, entry] of entries) await addEntry(tar, path.slice(1), entry);
    tar.finalize();
  } catch (error) {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

async function addEntry(tar: Pack, name: string, entry: TreeEntry): Promise<void> {
  const owner = { uid: 0, gid: 0, mtime: epoch };
  switch (entry.type) {
    case 'directory':
      tar.entry({ ...owner, name: `${name}/`, type: 'directory', mode: entry.mode });
      return;
    case 'link':
      tar.entry({ ...owner, name, type: 'symlink', linkname: entry.target, mode: 0o777 });
      return;
    case 'text':
      tar.entry({ ...owner, name, type: 'file', mode: entry.mode }, entry.text);
      return;
    case 'file':
      await addFile(tar.entry({ ...owner, name, type: 'file', mode: entry.mode, size: entry.size }), entry);
  }
}

async function addFile(
  sink: NodeJS.WritableStream | object,
  file: Extract<TreeEntry, { type: 'file' }>,
): Promise<void> {
  if (file.size === 0) {
    (sink as Writable).end();
    return;
  }
  try {
    // No further than its size when it was chosen: a file that grows meanwhile is cut, one that shrinks is an error.
    await pipeline(createReadStream(file.source, { end: file.size - 1, highWaterMark: 1024 * 1024 }), sink as Writable);
  } catch (error) {
    throw new HostProgramError([{ program: file.source, reason: reasonOf(error) }], { cause: error });
  }
}

/** Passes bytes on, counting and hashing them. */
class Meter extends Transform {
  bytes = 0;
  readonly #hash = createHash('sha256');

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: (error: null, chunk: Buffer) => void): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
    done(null, chunk);
  }

  /** Once, when all has passed. */
  digest(): string {
    return `sha256:${this.#hash.digest('hex')}`;
  }
}
