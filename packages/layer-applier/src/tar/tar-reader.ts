import { exceeded, invalid, unsupported } from '../extract/layer-error.ts';
import type { TarInput } from '../decode/tar-input.ts';
import { blockSize, emptyHeader, hasValidChecksum, isZeroBlock, parseHeader, type Header } from './header.ts';
import { ExtendedHeaders } from './extended-headers.ts';
import type { PaxSparse } from './pax.ts';
import { emptyEntry, TarType, type TarEntry } from './tar-entry.ts';
import {
  checkSegments,
  oldGnuExtension,
  oldGnuHeader,
  pairedSegments,
  readSparseMap,
  starHeader,
  type Segment,
} from './sparse.ts';

const flag = {
  contiguous: 0x37,
  paxGlobal: 0x67,
  gnuSparse: 0x53,
  gnuDirectory: 0x44,
  gnuContinued: 0x4d,
  volume: 0x56,
} as const;

export interface TarReaderOptions {
  /** Bytes of one extended header. */
  readonly headerBytes: number;
  /** Called for each header that is no entry itself, so that endless ones are counted. */
  readonly onExtendedHeader: () => void;
}

/**
 * Reads a tar of any dialect (v7, ustar, GNU, pax, star) from a synchronous input. Throws ERR_BOX_LAYER_INVALID for
 * what is no tar or ends early, ERR_BOX_BUDGET_EXCEEDED for an extended header that is too long.
 */
export class TarReader {
  readonly entry: TarEntry = emptyEntry();
  /** Bytes of the current entry's data that have not been read. */
  remaining = 0;
  readonly #input: TarInput;
  readonly #options: TarReaderOptions;
  readonly #header: Header = emptyHeader();
  #padding = 0;
  readonly #extended = new ExtendedHeaders();

  constructor(input: TarInput, options: TarReaderOptions) {
    this.#input = input;
    this.#options = options;
  }

  /** The next entry, what is left of the one before skipped; undefined at the end mark or the end of the input. */
  next(): TarEntry | undefined {
    const { entry } = this;
    entry.name = '';
    this.skip();
    entry.offset = this.#input.offset;
    for (;;) {
      const header = this.#nextHeader();
      if (header === undefined) {
        if (this.#extended.pending) throw invalid('the tar ends after an extended header');
        return undefined;
      }
      if (header.type === flag.volume) this.#input.position += blockSize;
      else if (this.#extended.knows(header.type)) this.#extended.take(header.type, this.#body(header));
      else {
        this.#finish(header);
        return entry;
      }
      // What holds for all that follow is no part of the entry.
      if (!this.#extended.pending) entry.offset = this.#input.offset;
      this.#options.onExtendedHeader();
    }
  }

  /** Reads on to the end of the input, past the end mark. */
  drain(): void {
    const input = this.#input;
    while (input.fill(1) > 0) input.position = input.end;
  }

  /** A view of the next bytes of data, at least one and at most `remaining`; valid until the next call. */
  read(limit: number = this.remaining): Uint8Array {
    const input = this.#input;
    const available = input.fill(1);
    if (available === 0) throw invalid('the tar ends in the middle of it');
    const count = Math.min(available, limit, this.remaining);
    const bytes = input.buffer.subarray(input.position, input.position + count);
    input.position += count;
    this.remaining -= count;
    return bytes;
  }

  /** Passes over what is left of the current entry's data and its padding. */
  skip(): void {
    const input = this.#input;
    let left = this.remaining + this.#padding;
    while (left > 0) {
      const available = input.fill(1);
      // The padding of the last entry may be missing: what is there is complete.
      if (available === 0 && left <= this.#padding) break;
      if (available === 0) throw invalid('the tar ends in the middle of it');
      const count = Math.min(available, left);
      input.position += count;
      left -= count;
    }
    this.remaining = 0;
    this.#padding = 0;
  }

  #nextHeader(): Header | undefined {
    const input = this.#input;
    const available = input.fill(blockSize);
    if (available === 0) return undefined;
    if (available < blockSize) throw invalid('the tar ends in the middle of a header');
    if (isZeroBlock(input.buffer, input.position)) {
      input.position += blockSize;
      const next = input.fill(blockSize);
      if (next >= blockSize && !isZeroBlock(input.buffer, input.position)) {
        throw invalid('an entry follows a block of zeros, which is neither an end mark nor a header');
      }
      return undefined;
    }
    parseHeader(input.buffer, input.position, this.#header);
    return this.#header;
  }

  /** The data of an extended header, which starts at the current block. */
  #body(header: Header): Buffer {
    const { size } = header;
    if (size < 0) throw invalid('its extended header has a negative size');
    if (size > this.#options.headerBytes) throw exceeded('headerBytes', this.#options.headerBytes, 'bytes in a header');
    this.#input.position += blockSize;
    const body = Buffer.allocUnsafe(size);
    this.remaining = size;
    this.#padding = -size & (blockSize - 1);
    for (let at = 0; at < size;) {
      const bytes = this.read();
      body.set(bytes, at);
      at += bytes.length;
    }
    this.skip();
    return body;
  }

  #finish(header: Header): void {
    const { entry } = this;
    this.#extended.describe(header, entry);
    entry.type = header.type === flag.contiguous ? TarType.file : header.type;
    if (header.type === flag.gnuDirectory) entry.type = TarType.directory;
    // As v7 wrote directories. Asked of the whole name: a header's may be cut off behind a slash.
    if (entry.type === TarType.file && entry.name.endsWith('/')) entry.type = TarType.directory;
    this.#placeData(header);
    this.#extended.reset();
  }

  /** Consumes the header block and finds out how many bytes of data follow, and how they map to the file. */
  #placeData(header: Header): void {
    const { entry } = this;
    const { stored: size, explicit } = this.#extended.size(header);
    if (size < 0) throw invalid('it has a negative size');
    const input = this.#input;
    if (header.type === flag.gnuContinued) throw unsupported('it continues a file of another volume');
    if (header.type === flag.gnuSparse) {
      this.#placeOldSparse(header, size);
      return;
    }
    input.position += blockSize;
    let stored = size;
    if (header.type === TarType.hardlink && !explicit) stored = this.#hardlinkData(header, size);
    else if (hasNoData(header.type)) stored = 0;
    this.#expect(stored);
    entry.size = entry.type === TarType.file ? stored : 0;
    const { sparse } = this.#extended;
    if (sparse !== undefined && entry.type === TarType.file) this.#placePaxSparse(sparse, stored);
    if (entry.type === TarType.directory && header.type === TarType.file && stored > 0) {
      throw invalid('a directory has content');
    }
  }

  #expect(stored: number): void {
    this.remaining = stored;
    this.#padding = -stored & (blockSize - 1);
  }

  /**
   * Whether data follows a hardlink that has a size. POSIX.1-1988 and GNU: never. POSIX.1-2001 pax: yes, and the two
   * cannot be told apart for sure; as libarchive does, see whether a header follows at once.
   */
  #hardlinkData(header: Header, size: number): number {
    if (size === 0 || header.dialect === 'gnu' || header.dialect === 'v7') return 0;
    const input = this.#input;
    const available = input.fill(blockSize);
    if (available < blockSize) return 0;
    if (isZeroBlock(input.buffer, input.position)) return this.#extended.pending ? size : 0;
    return hasValidChecksum(input.buffer, input.position) ? 0 : size;
  }

  #placePaxSparse(sparse: PaxSparse, stored: number): void {
    const { entry } = this;
    if (sparse.name !== undefined) entry.name = sparse.name;
    if (sparse.major === 1 && sparse.minor === 0) {
      const { segments } = readSparseMap(() => this.#block(), this.#options.headerBytes);
      this.#setSegments(segments, sparse.realSize ?? stored, this.remaining);
    } else if (sparse.map !== undefined) {
      this.#setSegments(pairedSegments(sparse.map), sparse.realSize ?? stored, stored);
    } else if (sparse.major !== undefined && sparse.major !== 0) {
      throw unsupported(`it is sparse in version ${sparse.major}.${sparse.minor ?? 0} of GNU's format`);
    }
  }

  /** One block of the entry's data, whole. */
  #block(): Buffer {
    if (this.remaining < blockSize) throw invalid('its sparse map is longer than its data');
    const block = Buffer.allocUnsafe(blockSize);
    for (let at = 0; at < blockSize;) {
      const bytes = this.read(blockSize - at);
      block.set(bytes, at);
      at += bytes.length;
    }
    return block;
  }

  #placeOldSparse(header: Header, stored: number): void {
    const input = this.#input;
    const { dialect } = header;
    if (dialect !== 'gnu' && dialect !== 'star') throw unsupported('it is sparse in a format that is not known');
    const start = (dialect === 'gnu' ? oldGnuHeader : starHeader)(input.buffer, input.position);
    const { segments, realSize } = start;
    let { more } = start;
    input.position += blockSize;
    let extensions = 0;
    while (more) {
      extensions += blockSize;
      if (extensions > this.#options.headerBytes) {
        throw exceeded('headerBytes', this.#options.headerBytes, 'bytes in a header');
      }
      if (input.fill(blockSize) < blockSize) throw invalid('the tar ends in the middle of a header');
      const extension = oldGnuExtension(input.buffer, input.position);
      segments.push(...extension.segments);
      more = extension.more;
      input.position += blockSize;
    }
    this.entry.type = TarType.file;
    // star counts the blocks that continue the header as data.
    const data = dialect === 'star' ? stored - extensions : stored;
    if (data < 0) throw invalid('it has a negative size');
    this.#expect(data);
    this.#setSegments(segments, realSize, data);
  }

  #setSegments(segments: Segment[], realSize: number, stored: number): void {
    if (realSize < 0) throw invalid('it has a negative size');
    checkSegments(segments, realSize, stored);
    this.entry.segments = segments;
    this.entry.size = realSize;
  }
}

/** Types whose size field says nothing of data (POSIX.1, ustar). */
function hasNoData(type: number): boolean {
  return type >= TarType.symlink && type <= TarType.fifo;
}
