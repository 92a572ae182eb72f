/**
 * Finds where the frames of a zstd stream end, without decompressing. Node's decoder takes the end of a frame for the
 * end of the stream when more input follows in the same write; written frame by frame it goes on. RFC 8878, section 3.
 */
export class ZstdFrames {
  /** Bytes of the current part that are to be passed over. */
  #skip = 0;
  /** The part that is being collected, until `#wanted` bytes of it are there. */
  readonly #head = Buffer.alloc(18);
  #have = 0;
  #wanted = 5;
  #part: 'frame' | 'block' | 'trailer' | 'unknown' = 'frame';
  #checksum = false;

  /** The chunk in pieces, none of which goes on after the end of a frame. Bytes that are no zstd pass as they are. */
  *split(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    let start = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#part === 'unknown') break;
      if (this.#skip > 0) {
        const count = Math.min(this.#skip, chunk.length - at);
        this.#skip -= count;
        at += count;
      } else {
        this.#head[this.#have++] = chunk[at++] as number;
        if (this.#have === this.#wanted) this.#read();
      }
      if (this.#part === 'trailer' && this.#skip === 0) {
        this.#expect('frame', 5);
        yield chunk.subarray(start, at);
        start = at;
      }
    }
    if (start < chunk.length) yield chunk.subarray(start);
  }

  #read(): void {
    if (this.#part === 'frame') this.#readFrame();
    else this.#readBlock();
  }

  #readFrame(): void {
    const magic = this.#head.readUInt32LE(0);
    if ((magic & 0xffff_fff0) >>> 0 === 0x184d2a50) {
      // A skippable frame: its length follows.
      if (this.#wanted === 5) {
        this.#wanted = 8;
        return;
      }
      this.#skip = this.#head.readUInt32LE(4);
      this.#part = 'trailer';
      return;
    }
    if (magic !== 0xfd2fb528) {
      this.#part = 'unknown';
      return;
    }
    const descriptor = this.#head[4] as number;
    const single = (descriptor & 0x20) !== 0;
    const contentSize = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
    const dictionary = [0, 1, 2, 4][descriptor & 3] as number;
    this.#checksum = (descriptor & 4) !== 0;
    this.#expect('block', 3);
    this.#skip = (single ? 0 : 1) + dictionary + contentSize;
  }

  #readBlock(): void {
    const header = this.#head.readUIntLE(0, 3);
    const isLast = (header & 1) !== 0;
    const isRle = ((header >> 1) & 3) === 1;
    this.#skip = isRle ? 1 : header >> 3;
    if (!isLast) {
      this.#expect('block', 3);
      return;
    }
    this.#skip += this.#checksum ? 4 : 0;
    this.#part = 'trailer';
  }

  #expect(part: 'frame' | 'block', bytes: number): void {
    this.#part = part;
    this.#wanted = bytes;
    this.#have = 0;
  }
}
