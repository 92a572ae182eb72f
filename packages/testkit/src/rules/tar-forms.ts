import type { TarEntry } from '../tar/tar-writer.ts';

/** Changes to a ustar header that make it one of another format. */

/** No magic, no user names. */
export function v7(header: Buffer): void {
  header.fill(0, 257, 345);
}

/** All but the last component of the name goes to ustar's prefix. */
export function ustarPrefix(header: Buffer): void {
  const name = header.toString('latin1', 0, 100).replace(/\0.*$/s, '');
  const slash = name.lastIndexOf('/');
  header.fill(0, 0, 100);
  header.write(name.slice(slash + 1), 0, 'latin1');
  header.write(name.slice(0, slash), 345, 'latin1');
}

/** star's: a shorter prefix, two more times, and a magic at the end. */
export function star(header: Buffer): void {
  ustarPrefix(header);
  header.write('00000000100 ', 476, 'latin1');
  header.write('00000000200 ', 488, 'latin1');
  header.write('tar\0', 508, 'latin1');
}

const blockSize = 512;

interface Segment {
  readonly offset: number;
  readonly data: Buffer;
}

/** The 512-byte blocks of some bytes that are not all zeros, and an empty one at the end when that is a hole. */
function segmentsOf(content: Buffer): Segment[] {
  const segments: Segment[] = [];
  for (let offset = 0; offset < content.length; offset += blockSize) {
    const data = content.subarray(offset, offset + blockSize);
    if (data.some((byte) => byte !== 0)) segments.push({ offset, data });
  }
  if (segments.at(-1)?.offset !== content.length - blockSize)
    segments.push({ offset: content.length, data: Buffer.alloc(0) });
  return segments;
}

/** A sparse file of at most four segments as GNU tar has always written it. */
export function sparseGnu(path: string, content: Buffer): TarEntry {
  const segments = segmentsOf(content);
  const octal = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`;
  return {
    path,
    typeflag: 'S',
    content: Buffer.concat(segments.map(({ data }) => data)),
    patch: (header) => {
      header.write('ustar  \0', 257, 'latin1');
      segments.forEach(({ offset, data }, at) =>
        header.write(octal(offset) + octal(data.length), 386 + 24 * at, 'latin1'),
      );
      header.write(octal(content.length), 483, 'latin1');
    },
  };
}

/** The same as pax records, in one of their versions. */
export function sparsePax(version: '0.1' | '1.0', path: string, content: Buffer): TarEntry {
  const segments = segmentsOf(content);
  const data = Buffer.concat(segments.map((segment) => segment.data));
  const numbers = segments.flatMap((segment) => [segment.offset, segment.data.length]);
  if (version === '1.0') {
    const map = Buffer.from(`${[segments.length, ...numbers].join('\n')}\n`);
    const padding = Buffer.alloc(-map.length & (blockSize - 1));
    const records = { major: '1', minor: '0', name: path, realsize: String(content.length) };
    return { path: 'GNUSparseFile.0/x', content: Buffer.concat([map, padding, data]), pax: named(records) };
  }
  const records = {
    size: String(content.length),
    numblocks: String(segments.length),
    name: path,
    map: numbers.join(','),
  };
  return { path: 'GNUSparseFile.0/y', content: data, pax: named(records) };
}

function named(records: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(records).map(([name, value]) => [`GNU.sparse.${name}`, value]));
}
