import type { BytePath } from '../byte-path.ts';
import type { Segment } from '../tar/sparse.ts';

/** What of an entry is needed to know a layer's tree and to find a file's bytes in its tar. */
export interface ListedEntry {
  readonly type: 'file' | 'hardlink' | 'symlink' | 'directory' | 'other' | 'whiteout' | 'opaque' | 'aside';
  /** In normal form; of a whiteout what is hidden, of `aside` (a file that AUFS keeps for hardlinks) its name. */
  readonly path: BytePath;
  /** A symlink's target as it stands, a hardlink's in normal form. */
  readonly link: BytePath;
  /** Bytes from the start of the tar to the file's data. */
  readonly offset: number;
  /** Bytes of the file, holes included. */
  readonly size: number;
  /** The stretches that have data, when the file has holes. */
  readonly segments: readonly Segment[] | undefined;
}

const types = ['file', 'hardlink', 'symlink', 'directory', 'other', 'whiteout', 'opaque', 'aside'] as const;
/** Type, offset, size, the lengths of path and link, the number of segments. */
const fixedSize = 1 + 8 + 8 + 4 + 4 + 4;

const chunkSize = 2 ** 20;

/** Entries in few bytes, in chunks whose memory can be handed from one thread to another. */
export type EntryList = Uint8Array<ArrayBuffer>[];

/** Makes an EntryList. */
export class EntryListWriter {
  readonly #full: EntryList = [];
  #chunk = Buffer.allocUnsafeSlow(chunkSize);
  #used = 0;

  add({ type, path, link, offset, size, segments = [] }: ListedEntry): void {
    this.#reserve(fixedSize + path.length + link.length + 16 * segments.length);
    const chunk = this.#chunk;
    let at = chunk.writeUInt8(types.indexOf(type), this.#used);
    at = chunk.writeDoubleLE(offset, at);
    at = chunk.writeDoubleLE(size, at);
    at = chunk.writeUInt32LE(path.length, at);
    at = chunk.writeUInt32LE(link.length, at);
    at = chunk.writeUInt32LE(segments.length, at);
    at += chunk.write(path, at, 'latin1');
    at += chunk.write(link, at, 'latin1');
    for (const segment of segments) at = chunk.writeDoubleLE(segment.length, chunk.writeDoubleLE(segment.offset, at));
    this.#used = at;
  }

  finish(): EntryList {
    return [...this.#full, this.#chunk.subarray(0, this.#used)];
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#chunk.length) return;
    this.#full.push(this.#chunk.subarray(0, this.#used));
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(chunkSize, bytes));
    this.#used = 0;
  }
}

/** The entries that an EntryListWriter took in, in their order. With `consume` each chunk is let go of when it has been read. */
export function* readEntryList(
  list: EntryList,
  { consume = false }: { readonly consume?: boolean } = {},
): Generator<ListedEntry, void, undefined> {
  const chunks = consume ? list : [...list];
  for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) yield* readChunk(chunk);
}

function* readChunk(chunk: Uint8Array<ArrayBuffer>): Generator<ListedEntry, void, undefined> {
  const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  for (let at = 0; at < buffer.length;) {
    const type = types[buffer.readUInt8(at)] ?? 'other';
    const [offset, size] = [buffer.readDoubleLE(at + 1), buffer.readDoubleLE(at + 9)];
    const pathEnd = at + fixedSize + buffer.readUInt32LE(at + 17);
    const linkEnd = pathEnd + buffer.readUInt32LE(at + 21);
    const count = buffer.readUInt32LE(at + 25);
    const path = buffer.toString('latin1', at + fixedSize, pathEnd) as BytePath;
    const link = buffer.toString('latin1', pathEnd, linkEnd) as BytePath;
    const segments: Segment[] = [];
    for (at = linkEnd; segments.length < count; at += 16) {
      segments.push({ offset: buffer.readDoubleLE(at), length: buffer.readDoubleLE(at + 8) });
    }
    yield { type, path, link, offset, size, segments: count === 0 ? undefined : segments };
  }
}
