import { ftruncate, pwrite, write } from '@boxkit/linux';
import type { TarEntry } from '../tar/tar-entry.ts';
import type { TarReader } from '../tar/tar-reader.ts';
import { failedCall } from './failed-call.ts';

/** Takes a file's content as it is written; see ContentDigest. */
export interface ContentObserver {
  data(bytes: Uint8Array): void;
  hole(length: number): void;
}

/** Writes a file's content from the tar; holes stay holes. */
export function writeContent(fd: number, entry: TarEntry, reader: TarReader, observer?: ContentObserver): void {
  if (entry.segments === undefined) writeAll(fd, reader, observer);
  else writeSparse(fd, entry, reader, observer);
}

function writeAll(fd: number, reader: TarReader, observer: ContentObserver | undefined): void {
  while (reader.remaining > 0) {
    let bytes = reader.read();
    observer?.data(bytes);
    for (;;) {
      const count = write(fd, bytes, bytes.length);
      if (count === bytes.length) break;
      if (count === -1) throw failedCall('write');
      bytes = bytes.subarray(count);
    }
  }
}

function writeSparse(fd: number, entry: TarEntry, reader: TarReader, observer: ContentObserver | undefined): void {
  let at = 0;
  for (const { offset, length } of entry.segments ?? []) {
    observer?.hole(offset - at);
    at = offset + length;
    for (let left = length; left > 0;) {
      let bytes = reader.read(left);
      observer?.data(bytes);
      while (bytes.length > 0) {
        const count = pwrite(fd, bytes, bytes.length, offset + length - left);
        if (count === -1) throw failedCall('pwrite');
        left -= count;
        bytes = bytes.subarray(count);
      }
    }
  }
  observer?.hole(entry.size - at);
  if (ftruncate(fd, entry.size) !== 0) throw failedCall('ftruncate');
}
