import { nextData, nextHole } from '@boxkit/linux';
import type { Segment } from '../tar/sparse.ts';

/**
 * Holes that are worth a sparse entry, in bytes together. Small ones are written out: where they lie depends on the file
 * system and on how a file was copied, and the same files should make the same layer.
 */
const leastHoles = 2 ** 20;
/** More stretches than this are written out as they are: the map of them would have to be held in memory. */
const mostSegments = 50_000;

/** Where an open file has data, when its holes are large; undefined for one to be written whole. lseek(2), SEEK_DATA. */
export function dataSegments(fd: number, size: number): readonly Segment[] | undefined {
  const segments: Segment[] = [];
  let data = 0;
  for (let at = 0; at < size;) {
    const offset = nextData(fd, at);
    // No more data, or a file system that does not know.
    if (offset < 0 || offset >= size) break;
    const hole = nextHole(fd, offset);
    const end = hole < 0 ? size : Math.min(hole, size);
    segments.push({ offset, length: end - offset });
    data += end - offset;
    at = end;
    if (segments.length > mostSegments) return undefined;
  }
  if (size - data < leastHoles) return undefined;
  // GNU tar marks a hole at the end by an empty stretch there.
  if ((segments.at(-1)?.offset ?? 0) + (segments.at(-1)?.length ?? 0) < size)
    segments.push({ offset: size, length: 0 });
  return segments;
}
