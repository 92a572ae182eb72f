import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, pre, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { imageFileName } from './image-file.ts';
import { codeOf, putImage } from './testing/fixtures.ts';
import { temporaryStore } from './testing/temporary-store.ts';

describe('the file of a reference', () => {
  test('is one component below 256 bytes, neither hidden nor climbing, and no other reference has it', () => {
    const seen = new Map<string, string>();
    assert(
      property(string({ unit: 'grapheme', minLength: 1, maxLength: 400 }), (reference) => {
        pre(!/\p{Cc}/u.test(reference) && reference.isWellFormed());
        const name = imageFileName(reference);
        expect(name).toMatch(/^[A-Za-z0-9%_:@-][A-Za-z0-9%._:@~-]*\.json$/);
        expect(name.length).toBeLessThan(256);
        expect(seen.get(name) ?? reference).toBe(reference);
        seen.set(name, reference);
      }),
    );
  });
  test('can be read by people', () => {
    expect(imageFileName('127.0.0.1:5000/team/app:1.0')).toBe('127.0.0.1:5000%2fteam%2fapp:1.0.json');
  });
  test('of a long reference differs from that of its like', () => {
    expect(imageFileName('a'.repeat(300))).not.toBe(imageFileName('a'.repeat(301)));
  });
});

describe('images', () => {
  test('a reference that was set can be got, listed and deleted', async () => {
    await using t = await temporaryStore();
    const { image } = await putImage(t.store, 'docker.io/library/b:1');
    const other = await putImage(t.store, 'docker.io/library/a:1');
    expect(await t.store.images.get('docker.io/library/b:1')).toEqual(image);
    expect(await t.store.images.list()).toEqual([other.image, image]);
    expect(await t.store.images.delete('docker.io/library/b:1')).toBe(true);
    expect(await t.store.images.delete('docker.io/library/b:1')).toBe(false);
    expect(await t.store.images.get('docker.io/library/b:1')).toBeUndefined();
  });

  test('a reference moves', async () => {
    await using t = await temporaryStore();
    await putImage(t.store, 'app', 'one');
    const { image } = await putImage(t.store, 'app', 'two');
    expect(await t.store.images.list()).toEqual([image]);
  });

  test('no reference points to an image whose blobs are not all there', async () => {
    await using t = await temporaryStore();
    const { image, layer } = await putImage(t.store, 'app');
    await t.store.blobs.delete(layer.digest);
    expect(await codeOf(() => t.store.images.set({ ...image, reference: 'other' }))).toBe('ERR_BOX_BLOB_MISSING');
    expect(await t.store.images.get('other')).toBeUndefined();
  });

  test('a further name is given with tag', async () => {
    await using t = await temporaryStore();
    const { image } = await putImage(t.store, 'app');
    await t.store.images.tag('app', 'registry.example/app:1');
    expect((await t.store.images.get('registry.example/app:1'))?.manifest).toEqual(image.manifest);
    expect(await codeOf(() => t.store.images.tag('none', 'some'))).toBe('ERR_BOX_IMAGE_UNKNOWN');
  });

  test.each(['../x', 'a/../b', 'app:../../x', 'a/./b', '/etc/passwd', '..', '', 'a b', 'a\nb', '-f', 'a'.repeat(5000)])(
    'no image is tagged %j',
    async (name) => {
      await using t = await temporaryStore();
      await putImage(t.store, 'app');
      expect(await codeOf(() => t.store.images.tag('app', name))).toBe('ERR_BOX_REFERENCE_INVALID');
      expect(readdirSync(join(t.home, 'images'))).toEqual(['app.json']);
    },
  );

  test('a damaged record is told, not taken for an image', async () => {
    await using t = await temporaryStore();
    await putImage(t.store, 'app');
    writeFileSync(join(t.home, 'images/app.json'), '{"reference": "app"');
    expect(await codeOf(() => t.store.images.get('app'))).toBe('ERR_BOX_STORE_CORRUPT');
  });
});
