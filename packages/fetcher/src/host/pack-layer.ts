import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { MediaType, parseDigest, parseDiffId, type Descriptor, type DiffId } from '@boxkit/contracts';
import { writeTar, type TarEntry } from '../archive/tar-writer.ts';
import { HostProgramError, reasonOf } from './errors.ts';
import type { TreeEntry } from './host-tree.ts';

/** A layer written to a file, and what names it. */
export interface PackedLayer {
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
  readonly path: string;
}

const chunkSize = 256 * 1024;

/** Writes entries (absolute paths, parents first) as one layer to `file`, hashing while it writes. */
export async function packLayer(
  entries: readonly (readonly [path: string, entry: TreeEntry])[],
  file: string,
  options: { readonly compress: boolean; readonly signal: AbortSignal },
): Promise<PackedLayer> {
  const uncompressed = new Meter();
  const stored = new Meter();
  const destination = createWriteStream(file, { flags: 'wx', mode: 0o600 });
  const tar = writeTar(entries.map(([path, entry]) => tarEntry(path.slice(1), entry)));
  const { signal } = options;
  if (options.compress) {
    // Level 1: the layer is read again at once, and rarely travels.
    await pipeline(tar, uncompressed, createGzip({ level: 1, chunkSize }), stored, destination, { signal });
  } else {
    await pipeline(tar, uncompressed, stored, destination, { signal });
  }
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

function tarEntry(name: string, entry: TreeEntry): TarEntry {
  switch (entry.type) {
    case 'directory':
      return { type: 'directory', name, mode: entry.mode };
    case 'link':
      return { type: 'symlink', name, target: entry.target };
    case 'text': {
      const bytes = Buffer.from(entry.text);
      return { type: 'file', name, mode: entry.mode, size: bytes.length, content: [bytes] };
    }
    case 'file':
      return { type: 'file', name, mode: entry.mode, size: entry.size, content: contentOf(entry.source, entry.size) };
  }
}

async function* contentOf(path: string, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  let read = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: chunkSize })) {
      read += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  } catch (error) {
    throw new HostProgramError([{ program: path, reason: reasonOf(error) }], { cause: error });
  }
  if (read !== size) throw new HostProgramError([{ program: path, reason: 'it changed while it was read' }]);
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
