import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ImageSource } from '@boxkit/contracts';
import { allBlobs, buildDockerArchive, buildImage, buildLayer } from '@boxkit/testkit';
import { openImage } from '../archive/open-image.fixture.ts';
import { bytesSource, type BytesProvider, type PrefetchedImage } from './source.ts';

const layer = buildLayer([{ path: 'file', content: 'x'.repeat(50_000) }]);
const image = buildImage({ layers: [layer] });
const archive = buildDockerArchive([{ image, tags: ['a:1'] }]);

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

function sourceOf(prefetched: PrefetchedImage): ImageSource {
  return bytesSource(new Map([['mine', prefetched]]));
}

async function diffIds(source: ImageSource, name = 'mine'): Promise<readonly string[]> {
  await using opened = await openImage(source, name);
  return opened.image.layers.map(({ diffId }) => diffId);
}

describe('bytes:', () => {
  test.each<[string, () => BytesProvider]>([
    ['a buffer', () => archive],
    ['a generator', () => pieces(archive)],
    ['a Node stream', () => Readable.from(pieces(archive))],
    ['a web stream', () => new Blob([new Uint8Array(archive)]).stream()],
    ['a function', () => () => Promise.resolve(pieces(archive))],
    ['compressed bytes', () => gzipSync(archive)],
  ])('reads an archive from %s', async (_name, make) => {
    expect(await diffIds(sourceOf({ archive: make() }))).toEqual([layer.diffId]);
    expect(await diffIds(sourceOf({ archive: make(), tag: 'a:1' }))).toEqual([layer.diffId]);
  });

  test('reads blobs by their digests', async () => {
    const blobs = new Map(allBlobs(image).map(({ descriptor, bytes }) => [descriptor.digest, () => pieces(bytes)]));
    expect(await diffIds(sourceOf({ root: image.descriptor, blobs }))).toEqual([layer.diffId]);
    blobs.delete(layer.descriptor.digest);
    await expect(diffIds(sourceOf({ root: image.descriptor, blobs }))).rejects.toMatchObject({
      code: 'ERR_BOX_BLOB_MISSING',
    });
  });

  test('a stream serves once; a function serves as often as it is asked', async () => {
    const once = sourceOf({ archive: pieces(archive) });
    expect(await diffIds(once)).toEqual([layer.diffId]);
    await expect(diffIds(once)).rejects.toMatchObject({ code: 'ERR_BOX_USAGE' });
    const often = sourceOf({ archive: () => pieces(archive) });
    expect(await diffIds(often)).toEqual(await diffIds(often));
  });

  test('an unknown name lists those that there are', async () => {
    await expect(diffIds(sourceOf({ archive }), 'other')).rejects.toMatchObject({
      code: 'ERR_BOX_IMAGE_NOT_FOUND',
      fields: { names: ['mine'] },
    });
  });

  test('a stream that fails hands its error on', async () => {
    function* failing(): Generator<Uint8Array> {
      yield archive.subarray(0, 100);
      throw new Error('the network went away');
    }
    await expect(diffIds(sourceOf({ archive: failing() }))).rejects.toThrow('the network went away');
  });
});
