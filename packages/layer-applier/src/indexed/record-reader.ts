import { closeSync, openSync, readSync } from 'node:fs';
import { field } from '../layer-index/index-format.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import { corrupt, decodeRecord } from '../layer-index/read-index.ts';

const windowSize = 2 ** 16;
/** Of a read out of order. */
const farSize = 2 ** 12;

/** Reads single records of layers' indexes. Those that were written one after the other come out of one read. */
export class RecordReader {
  #path = '';
  #start = 0;
  #length = 0;
  #window = Buffer.allocUnsafeSlow(windowSize);

  /** The record that starts at so many bytes of an index. Throws ERR_BOX_STORE_CORRUPT. */
  read(path: string, offset: number): LayerEntry {
    return decodeRecord(this.raw(path, offset), path);
  }

  /** The same as it stands; valid until the next read. */
  raw(path: string, offset: number): Buffer {
    this.#reach(path, offset, 4);
    const length = this.#window.readUInt32LE(offset - this.#start + field.length);
    this.#reach(path, offset, length);
    const at = offset - this.#start;
    return this.#window.subarray(at, at + length);
  }

  #reach(path: string, offset: number, length: number): void {
    if (path === this.#path && offset >= this.#start && offset + length <= this.#start + this.#length) return;
    if (length > this.#window.length) this.#window = Buffer.allocUnsafeSlow(length);
    const isNear = path === this.#path && offset >= this.#start && offset <= this.#start + 2 * windowSize;
    const fd = openSync(path, 'r');
    try {
      this.#path = path;
      this.#start = offset;
      this.#length = readSync(fd, this.#window, 0, isNear ? this.#window.length : Math.max(length, farSize), offset);
    } finally {
      closeSync(fd);
    }
    if (this.#start + this.#length < offset + length) {
      this.#path = '';
      throw corrupt(path, `it ends before its record at byte ${offset}`);
    }
  }
}
