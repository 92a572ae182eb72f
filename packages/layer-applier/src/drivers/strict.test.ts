import { afterAll, beforeAll, expect, test } from 'vitest';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import type { BoxEvent, PrepareOptions } from '@boxkit/contracts';
import { openStore, type DiskStore } from '@boxkit/store';
import { buildLayer, temporaryDirectory, type TemporaryDirectory } from '@boxkit/testkit';
import { removeTree } from '../remove-tree.ts';
import { imageOf } from './image.fixture.ts';
import { mergeDriver } from './merge-driver.ts';
import { overlayDriver } from './overlay-driver.ts';

let place: TemporaryDirectory;
let store: DiskStore;
beforeAll(async () => {
  place = await temporaryDirectory('strict');
  store = await openStore({ home: join(place.path, 'home'), removeTree });
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await removeTree(place.path);
});

/** No file system has a place for attributes of this prefix. */
const odd = (path: string) => ({ path, content: '', xattrs: { 'nonsense.name': '1' } });
const image = imageOf([
  buildLayer([odd('a'), odd('b'), { path: 'acl', content: '', pax: { 'SCHILY.acl.access': 'user:nobody-known:rw-' } }]),
  buildLayer([odd('c'), { path: 'strange', typeflag: 'Q' }]),
]);

async function apply(driver: string, options: PrepareOptions, of = image): Promise<readonly BoxEvent[]> {
  const events: BoxEvent[] = [];
  await using container = await store.containers.create({});
  const context = {
    store,
    signal: new AbortController().signal,
    logger: { debug: () => {}, warn: () => {} },
    emit: (event: BoxEvent) => void events.push(event),
    defer: () => {},
  };
  const all = options.directory === undefined ? { ...options, containerPath: container.path } : options;
  await (driver === 'merge' ? mergeDriver() : overlayDriver()).prepare(of, context, all);
  return events.filter(({ type }) => type === 'warning');
}

test.each(['merge', 'overlay'])(
  '%s warns once for an image and kind of what it cannot hold; a strict caller gets an error, kept trees or not',
  async (driver) => {
    const failed = { code: 'ERR_BOX_EXTRACT_FAILED', fields: { warning: 'xattrs-skipped' } };
    await expect(apply(driver, { strict: true })).rejects.toMatchObject(failed);
    const warnings = await apply(driver, {});
    expect(warnings).toMatchObject([{ code: 'xattrs-skipped' }, { code: 'type-skipped' }]);
    expect(warnings[0]).toMatchObject({ message: expect.stringMatching(/nonsense\.name.*4 entries/) as string });
    await expect(apply(driver, { strict: true })).rejects.toMatchObject(failed);
  },
);

test('a strict unpack that fails leaves no directory', async () => {
  const directory = join(place.path, 'out');
  await expect(apply('merge', { directory, strict: true })).rejects.toMatchObject({ code: 'ERR_BOX_EXTRACT_FAILED' });
  expect(existsSync(directory)).toBe(false);
});

test.each(['merge', 'overlay'])(
  '%s: a budget of the caller is kept over all layers, and is no budget of nonsense',
  async (driver) => {
    const fresh = imageOf([buildLayer([{ path: `long-${driver}`, content: '' }])]);
    await expect(apply(driver, { budgets: { nameLength: 3 } }, fresh)).rejects.toMatchObject({
      code: 'ERR_BOX_BUDGET_EXCEEDED',
      hint: expect.stringContaining('--budget nameLength=') as string,
    });
    for (const budgets of [{ entries: 0 }, { bytes: Number.NaN }, { ratio: 1.5 }, { colour: 3 } as object]) {
      await expect(apply(driver, { budgets }, fresh)).rejects.toMatchObject({ code: 'ERR_BOX_USAGE' });
    }
  },
);
