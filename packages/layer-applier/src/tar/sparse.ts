import { invalid } from '../extract/layer-error.ts';
import { blockSize, numberField } from './header.ts';

/** One stretch of data in a sparse file; all between is hole. */
export interface Segment {
  readonly offset: number;
  readonly length: number;
}

/** What the header of an old sparse file says: its first segments, the size with holes, whether blocks continue it. */
export interface SparseHeader {
  readonly segments: Segment[];
  readonly realSize: number;
  readonly more: boolean;
}

/** GNU's: struct oldgnu_header. */
export function oldGnuHeader(header: Buffer, at: number): SparseHeader {
  const realSize = numberField(header, at + 483, 12, 'real size');
  return { segments: readSegments(header, at + 386, 4), realSize, more: header[at + 482] !== 0 };
}

/** star's: segments in the header only where it has no prefix. GNU tar's tar.h, struct star_in_header. */
export function starHeader(header: Buffer, at: number): SparseHeader {
  const isInHeader = header[at + 345] === 0 && header[at + 356 + 10] !== 0;
  return {
    segments: isInHeader ? readSegments(header, at + 356, 4) : [],
    realSize: numberField(header, at + 452, 12, 'real size'),
    more: !isInHeader || header[at + 355] !== 0,
  };
}

/** The 21 segments of a block that continues an old sparse header. */
export function oldGnuExtension(block: Buffer, at: number): { segments: Segment[]; more: boolean } {
  return { segments: readSegments(block, at, 21), more: block[at + 504] !== 0 };
}

function readSegments(buffer: Buffer, at: number, count: number): Segment[] {
  const segments: Segment[] = [];
  for (let i = 0; i < count; i++) {
    const field = at + i * 24;
    if (buffer[field] === 0 || buffer[field + 12] === 0) break;
    segments.push({
      offset: numberField(buffer, field, 12, 'sparse offset'),
      length: numberField(buffer, field + 12, 12, 'sparse length'),
    });
  }
  return segments;
}

/** The segments of pax sparse 0.0 and 0.1: offset and length by turns. */
export function pairedSegments(numbers: readonly number[]): Segment[] {
  if (numbers.length % 2 !== 0) throw invalid('its sparse map has an odd number of values');
  const segments: Segment[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    segments.push({ offset: numbers[i] as number, length: numbers[i + 1] as number });
  }
  return segments;
}

/**
 * The map of pax sparse 1.0, which precedes the data: lines of decimal numbers (how many segments, then offset and
 * length of each), filled up to a block. `read` gives the blocks one by one.
 */
export function readSparseMap(read: () => Buffer, limit: number): { segments: Segment[]; bytes: number } {
  let text = '';
  let bytes = 0;
  const numbers: number[] = [];
  let expected = 1;
  while (numbers.length < expected) {
    const block = read();
    bytes += blockSize;
    if (bytes > limit) throw invalid('its sparse map has no end');
    text += block.toString('latin1');
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      if (numbers.length >= expected) break;
      if (!/^[0-9]{1,15}$/.test(line)) throw invalid('its sparse map is no list of numbers');
      numbers.push(Number(line));
      if (numbers.length === 1) expected = 1 + 2 * Number(line);
    }
  }
  return { segments: pairedSegments(numbers.slice(1)), bytes };
}

/** Throws ERR_BOX_LAYER_INVALID unless the segments ascend, lie within the file and hold `stored` bytes together. */
export function checkSegments(segments: readonly Segment[], realSize: number, stored: number): void {
  let end = 0;
  let sum = 0;
  for (const { offset, length } of segments) {
    if (offset < end || length < 0 || offset + length > realSize) throw invalid('its sparse map contradicts itself');
    end = offset + length;
    sum += length;
  }
  if (sum !== stored) throw invalid(`its sparse map holds ${sum} bytes, its data ${stored}`);
}
