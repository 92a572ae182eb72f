import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Image } from '@boxkit/contracts';
import { openStore } from '@boxkit/store';
import { removeTree } from '../remove-tree.ts';
import { mergeDriver } from './merge-driver.ts';
import { overlayDriver } from './overlay-driver.ts';

/**
 * A program that applies an image, bundled by kill.test.ts: `node kill-process IMAGE HOME DRIVER DIRECTORY` does it once, to be
 * killed; with IMAGE alone it does so for each line of its input (HOME, DRIVER and DIRECTORY as JSON), and answers `sound` or what is wrong.
 */
const [imagePath = '', ...once] = process.argv.slice(2);
const image: Image = {
  ...(JSON.parse(readFileSync(join(imagePath, 'image.json'), 'utf8')) as Image),
  blobs: {
    open: ({ digest }) => ({
      path: undefined,
      // In small pieces, so that a layer is seen at work while it arrives.
      [Symbol.asyncIterator]: () =>
        createReadStream(join(imagePath, digest), { highWaterMark: 4096 })[Symbol.asyncIterator](),
    }),
    read: async () => Promise.reject(new Error('only layers')),
  },
};

async function applyOnce([home = '', driver, directory = '']: readonly string[]): Promise<string> {
  await using store = await openStore({ home, removeTree });
  const context = {
    store,
    signal: new AbortController().signal,
    logger: { debug: () => {}, warn: () => {} },
    emit: () => {},
    defer: () => {},
  };
  if (once.length > 0) process.stdout.write('started\n');
  if (driver === 'merge') {
    await mergeDriver().prepare(image, context, { directory });
  } else {
    await using container = await store.containers.create({});
    await overlayDriver().prepare(image, context, { containerPath: container.path });
  }
  const { problems } = await store.fsck();
  return problems.length === 0 ? 'sound' : JSON.stringify(problems);
}

if (once.length > 0) await applyOnce(once);
else {
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = await applyOnce(JSON.parse(line) as string[]).catch(String);
    process.stdout.write(`${answer}\n`);
  }
}
