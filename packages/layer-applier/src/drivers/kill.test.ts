import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  applyModel,
  buildLayer,
  readTree,
  temporaryDirectory,
  whiteout,
  type TarEntry,
  type TemporaryDirectory,
  type Tree,
} from '@boxkit/testkit';
import { readStagedLayer } from '../layer-index/read-index.ts';
import { removeTree } from '../remove-tree.ts';
import { imageOf } from './image.fixture.ts';
import { different } from './stack-trees.fixture.ts';

/** Killed so often with each driver, at instants spread over the whole run. */
const kills = Number(process.env['BOX_KILLS'] ?? 50);
/** At a time, each with a home of its own. */
const lanes = 3;

const directory = (path: string): TarEntry => ({ path, type: 'directory' });

/** Two layers that clash in many names, with all that a merge has to do. */
const layers: readonly (readonly TarEntry[])[] = [0, 1].map((layer) => [
  ...['.', 'd0', 'd1', 'd2', 'd3'].map(directory),
  ...Array.from({ length: 120 }, (_none, at): TarEntry => ({ path: `d${at % 4}/f${at}`, content: `${layer} ${at}` })),
  { path: layer === 0 ? 'lib' : 'lib/below', ...(layer === 0 ? { type: 'symlink', link: 'd0' } : { content: 'x' }) },
  ...(layer === 0 ? [{ path: 'gone/f', content: '' }] : [whiteout('gone'), { path: 'd1/.wh..wh..opq' }]),
  ...(layer === 0 ? [] : [{ path: 'linked', type: 'hardlink', link: 'd2/f2' } as const]),
]);
const image = imageOf(layers.map((entries) => buildLayer(entries)));
const expected = applyModel(layers);

let place: TemporaryDirectory;
beforeAll(async () => {
  place = await temporaryDirectory('kill');
  const here = fileURLToPath(new URL('.', import.meta.url));
  // Bundled, as starting from the sources would take longer than the work.
  await build({
    entryPoints: [
      join(here, 'kill-process.fixture.ts'),
      join(here, 'rootfs-worker.ts'),
      join(here, '../extract/layer-worker.ts'),
    ],
    outdir: place.path,
    entryNames: '[name]',
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['koffi'],
    logLevel: 'error',
  });
  symlinkSync(fileURLToPath(new URL('../../../../node_modules', import.meta.url)), join(place.path, 'node_modules'));
  writeFileSync(join(place.path, 'package.json'), '{"type":"module"}');
  writeFileSync(join(place.path, 'image.json'), JSON.stringify({ ...image, blobs: undefined }));
  for (const { descriptor } of image.layers) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of image.blobs.open(descriptor)) chunks.push(chunk);
    writeFileSync(join(place.path, descriptor.digest), Buffer.concat(chunks));
  }
});
afterAll(() => place[Symbol.asyncDispose]());

const program = (): string => join(place.path, 'kill-process.fixture.js');

interface Home {
  readonly home: string;
  readonly out: string;
}

/** Starts an application, and ends it so many milliseconds after its start. Gives how long it took when it was not ended. */
async function runKilled({ home, out }: Home, driver: string, delay?: number): Promise<number> {
  const args = [program(), place.path, home, driver, out];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  const started = performance.now();
  if (delay !== undefined) {
    await Promise.race([sleep(delay), closed]);
    child.kill('SIGKILL');
  }
  await closed;
  return performance.now() - started;
}

/** What a layer of the image must look like wherever the store shows it. */
async function checkVisibleLayers(home: string, whole: Map<string, Tree>): Promise<void> {
  for (const layer of image.layers) {
    const path = join(home, 'layers', layer.diffId.replace(':', '/'));
    if (!existsSync(path)) continue;
    expect(readStagedLayer(layer, path).entries).toBeGreaterThan(100);
    const tree = await readTree(join(path, 'tree'));
    const before = whole.get(layer.diffId);
    whole.set(layer.diffId, before ?? tree);
    // The time of a whiteout's device is nobody's; what settles the layer upon others has links to its files.
    expect(different(before ?? tree, tree).filter((line) => !/^gone: mtime|: sameAs/.test(line))).toEqual([]);
  }
}

/** A process that completes what others were killed at. */
function startCompleting(): { complete(home: Home, driver: string): Promise<string>; end(): Promise<void> } {
  const child = spawn(process.execPath, [program(), place.path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async complete({ home, out }, driver) {
      child.stdin.write(`${JSON.stringify([home, driver, out])}\n`);
      return String((await answers.next()).value);
    },
    async end() {
      child.stdin.end();
      await closed;
    },
  };
}

test.each(['merge', 'overlay'])(
  'killed at instants all over the run, %s shows nothing half-done, and the next run completes and clears up',
  { timeout: 280_000 },
  async (driver) => {
    const measured = { home: join(place.path, `${driver}-measured`), out: join(place.path, `${driver}-out`) };
    const length = Math.max(await runKilled(measured, driver), 20);
    const whole = new Map<string, Tree>();
    await checkVisibleLayers(measured.home, whole);
    let next = 0;
    const lane = async (): Promise<void> => {
      const completing = startCompleting();
      for (let turn = next++; turn < kills; turn = next++) {
        const own = { home: join(place.path, `${driver}-${turn}`), out: join(place.path, `${driver}-${turn}-out`) };
        mkdirSync(own.home);
        await runKilled(own, driver, (length * (turn + 0.5)) / kills);
        const shown = existsSync(own.out) && readdirSync(own.out).length > 0 ? await readTree(own.out) : undefined;
        expect(shown === undefined ? [] : different(expected, shown)).toEqual([]);
        await checkVisibleLayers(own.home, whole);
        await removeTree(own.out);
        expect(await completing.complete(own, driver)).toBe('sound');
        const made = driver === 'merge' ? await readTree(own.out) : expected;
        expect(different(expected, made)).toEqual([]);
        expect(readdirSync(join(own.home, 'tmp')).filter((name) => name !== 'partial')).toEqual([]);
        await removeTree(own.home);
        await removeTree(own.out);
      }
      await completing.end();
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  },
);
