import { readFileSync } from 'node:fs';
import { openStore } from '@boxkit/store';
import { buildLayer } from '@boxkit/testkit';
import { removeTree } from '../remove-tree.ts';
import { imageOf } from './image.fixture.ts';
import { mergeDriver } from './merge-driver.ts';
import { overlayDriver } from './overlay-driver.ts';

/** A program that applies tars, to be killed or starved: `node apply-process.fixture.ts HOME DRIVER DIRECTORY|- COMPRESSION TAR...`. */
const [home, name, directory = '-', compression, ...tars] = process.argv.slice(2);
if (home === undefined || name === undefined) throw new Error('a home and a driver');
const driver = name === 'overlay' ? overlayDriver() : mergeDriver();
const image = imageOf(
  tars.map((path) => buildLayer(readFileSync(path), { compression: compression === 'zstd' ? 'zstd' : 'gzip' })),
);
await using store = await openStore({ home, removeTree });
const context = {
  store,
  signal: new AbortController().signal,
  logger: { debug: () => {}, warn: () => {} },
  emit: () => {},
  defer: () => {},
};
process.stdout.write('started\n');
try {
  if (directory === '-') {
    await using container = await store.containers.create({});
    const rootfs = await driver.prepare(image, context, { containerPath: container.path });
    process.stdout.write(`${JSON.stringify(rootfs)}\n`);
  } else {
    await driver.prepare(image, context, { directory });
  }
  process.stdout.write('done\n');
} catch (error) {
  process.stdout.write(
    `${error instanceof Error && 'code' in error ? String(error.code) : 'failed'} ${String(error)}\n`,
  );
}
