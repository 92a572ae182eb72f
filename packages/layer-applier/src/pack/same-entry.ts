import { closeSync, openSync, readSync, constants } from 'node:fs';
import type { BytePath } from '../byte-path.ts';
import type { FoundEntry } from './find-entry.ts';
import { PackFailure } from './pack-failure.ts';

/** Which attributes of an entry differ from those of what was there before; the content of files is not looked at. */
export function sameAttributes(found: FoundEntry, before: FoundEntry): boolean {
  return (
    sameButTime(found, before) &&
    found.mtime.seconds === before.mtime.seconds &&
    found.mtime.nanoseconds === before.mtime.nanoseconds
  );
}

export function sameButTime(found: FoundEntry, before: FoundEntry): boolean {
  return (
    found.type === before.type &&
    found.mode === before.mode &&
    found.uid === before.uid &&
    found.gid === before.gid &&
    found.size === before.size &&
    found.link === before.link &&
    found.major === before.major &&
    found.minor === before.minor &&
    sameXattrs(found.xattrs, before.xattrs)
  );
}

function sameXattrs(a: FoundEntry['xattrs'], b: FoundEntry['xattrs']): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.size !== b.size) return false;
  for (const [name, value] of a) {
    const other = b.get(name);
    if (other === undefined || Buffer.compare(value, other) !== 0) return false;
  }
  return true;
}

const chunkSize = 2 ** 18;
const [left, right] = [Buffer.allocUnsafeSlow(chunkSize), Buffer.allocUnsafeSlow(chunkSize)];

/** Whether two files of the same size have the same bytes. `before` is an absolute path, as bytes (latin1). */
export function sameContent(found: FoundEntry, before: string): boolean {
  if (found.open === undefined) return true;
  const own = found.open();
  if (own === undefined) return false;
  try {
    return sameBytes(own, before, found.path);
  } finally {
    closeSync(own);
  }
}

function sameBytes(own: number, before: string, path: BytePath): boolean {
  let other: number | undefined;
  try {
    other = openSync(Buffer.from(before, 'latin1'), constants.O_RDONLY | constants.O_NOFOLLOW);
    for (let at = 0; ;) {
      const count = fill(own, left, at);
      if (count !== fill(other, right, at)) return false;
      if (left.compare(right, 0, count, 0, count) !== 0) return false;
      if (count < chunkSize) return true;
      at += count;
    }
  } catch (error) {
    throw PackFailure.of(path, error);
  } finally {
    if (other !== undefined) closeSync(other);
  }
}

function fill(fd: number, buffer: Buffer, position: number): number {
  let filled = 0;
  while (filled < buffer.length) {
    const count = readSync(fd, buffer, filled, buffer.length - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}
