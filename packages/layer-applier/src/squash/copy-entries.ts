import { closeSync, openSync } from 'node:fs';
import { BoxError, digestParts, type Layer } from '@boxkit/contracts';
import type { BytePath } from '../byte-path.ts';
import { FileInput } from '../decode/file-input.ts';
import { defaultBudgets } from '../extract/budgets.ts';
import type { IndexedLayer } from '../indexed/indexed-layer.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import { readIndex } from '../layer-index/read-index.ts';
import { encodeEntry, encodeSparse, padding } from '../tar/encode-entry.ts';
import { TarReader } from '../tar/tar-reader.ts';

/** One entry to be written anew: under which path, and what it links to when it is a hardlink. */
export interface Written {
  readonly path: BytePath;
  readonly link: BytePath;
}

export interface CopyOptions {
  readonly layer: IndexedLayer;
  /** A file with the layer's uncompressed tar. Read only when a file's content is wanted. */
  readonly openTar: () => Promise<string>;
  /** What to write of an entry; undefined for none of it. */
  readonly choose: (entry: LayerEntry) => Written | undefined;
  readonly signal: AbortSignal;
}

/**
 * Writes chosen entries of a layer anew: owners, modes, times, devices and xattrs from its index, content from its tar, in
 * the index's order. Throws ERR_BOX_DIFFID_MISMATCH when the tar turns out to be another than the index was made of.
 */
export async function* copyEntries(options: CopyOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { layer, choose, signal, openTar } = options;
  using content = new LayerContent(layer.layer);
  for (const entry of readIndex(layer.index)) {
    const written = choose(entry);
    if (written === undefined) continue;
    signal.throwIfAborted();
    if (entry.type === 'file' && entry.size > 0) {
      if (!content.isOpen) content.open(await openTar());
      yield* content.read({ ...entry, ...written });
    } else {
      yield encodeEntry({ ...entry, ...written });
    }
  }
  content.verify();
}

/** The files of a tar, one after the other. */
class LayerContent {
  readonly #source: Layer;
  #fd: number | undefined;
  #input: FileInput | undefined;
  #reader: TarReader | undefined;

  constructor(source: Layer) {
    this.#source = source;
  }

  get isOpen(): boolean {
    return this.#reader !== undefined;
  }

  open(path: string): void {
    this.#fd = openSync(path, 'r');
    this.#input = new FileInput(this.#fd, digestParts(this.#source.diffId).algorithm, () => {});
    this.#reader = new TarReader(this.#input, { headerBytes: defaultBudgets.headerBytes, onExtendedHeader: () => {} });
  }

  *read(entry: LayerEntry): Generator<Uint8Array, void, undefined> {
    const reader = this.#reader;
    if (reader === undefined) return;
    let found = reader.next();
    while (found !== undefined && found.offset < entry.offset) found = reader.next();
    if (found === undefined || found.offset !== entry.offset || found.size !== entry.size) throw this.#changed();
    const size = reader.remaining;
    yield found.segments === undefined ? encodeEntry(entry) : encodeSparse(entry, found.segments);
    // A copy: the reader's buffer is used again while the consumer still has the bytes.
    while (reader.remaining > 0) yield Buffer.from(reader.read());
    yield padding(size);
  }

  verify(): void {
    if (this.#reader === undefined || this.#input === undefined) return;
    this.#reader.skip();
    this.#reader.drain();
    const { algorithm, hex } = digestParts(this.#source.diffId);
    if (this.#input.digest() !== hex) throw this.#changed(`${algorithm}:other`);
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }

  #changed(received?: string): BoxError {
    const { diffId, descriptor } = this.#source;
    return new BoxError(
      'ERR_BOX_DIFFID_MISMATCH',
      `cannot read layer ${descriptor.digest}: its tar is not the one with the diffID ${diffId} that its index was made of`,
      {
        hint: '`box fsck --repair` removes what is damaged; then pull the image again.',
        fields: { layer: descriptor.digest, expected: diffId, ...(received && { received }) },
      },
    );
  }
}
