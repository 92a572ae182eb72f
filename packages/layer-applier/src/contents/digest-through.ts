import type { TarInput } from '../decode/tar-input.ts';
import { ContentDigest } from '../extract/content-digest.ts';
import { located } from '../extract/located.ts';
import type { Tally } from '../extract/tally.ts';
import type { TarEntry } from '../tar/tar-entry.ts';
import { TarReader } from '../tar/tar-reader.ts';

/** Bytes of a sha256. */
export const digestSize = 32;

/**
 * Reads a tar to its end and gives the sha256 of some of its files' contents, holes as zeros, one behind the other. `offsets` are
 * where the entries start, as a layer's index has them, ascending and each once; zeros stand for one that is not there.
 */
export function digestThrough(
  input: TarInput,
  offsets: Float64Array,
  { tally, onEntry }: { readonly tally: Tally; readonly onEntry: () => void },
): Uint8Array {
  const reader = new TarReader(input, {
    headerBytes: tally.limits.headerBytes,
    onExtendedHeader: () => tally.entry(),
  });
  const digests = new Uint8Array(offsets.length * digestSize);
  let next = 0;
  try {
    for (let entry = reader.next(); entry !== undefined; entry = reader.next()) {
      onEntry();
      tally.entry();
      if (entry.segments !== undefined) tally.holes(entry.size - reader.remaining);
      while ((offsets[next] ?? Infinity) < entry.offset) next += 1;
      if (offsets[next] === entry.offset) digests.set(contentDigest(entry, reader), next * digestSize);
    }
    reader.entry.name = '';
    reader.drain();
    tally.flush();
    return digests;
  } catch (error) {
    throw located(error, reader.entry);
  }
}

function contentDigest(entry: TarEntry, reader: TarReader): Uint8Array {
  const content = new ContentDigest();
  let at = 0;
  for (const { offset, length } of entry.segments ?? [{ offset: 0, length: entry.size }]) {
    content.hole(offset - at);
    at = offset + length;
    for (let left = length; left > 0;) {
      const bytes = reader.read(left);
      content.data(bytes);
      left -= bytes.length;
    }
  }
  content.hole(entry.size - at);
  return content.digest();
}
