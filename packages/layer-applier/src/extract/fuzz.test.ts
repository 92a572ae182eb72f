import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '@boxkit/testkit';
import { tryMutant } from './fuzz.fixture.ts';

/** `BOX_FUZZ=100000 npm run fuzz -w packages/layer-applier` goes on for longer; `BOX_FUZZ_SEED` starts elsewhere. */
const count = Number(process.env['BOX_FUZZ'] ?? 300);
const first = Number(process.env['BOX_FUZZ_SEED'] ?? 1);

test(`${count} damaged tars end in a tree that fits its index or in a typed error, and nothing is touched outside`, async () => {
  await using home = await temporaryDirectory('fuzz');
  await writeFile(join(home.path, 'victim'), 'untouched');
  const found: string[] = [];
  for (let seed = first; seed < first + count && found.length < 5; seed++) {
    const wrong = await tryMutant(home.path, seed);
    if (wrong !== undefined) found.push(`seed ${seed}: ${wrong}`);
  }
  expect(found).toEqual([]);
  expect(await readdir(home.path)).toEqual(['victim']);
}, 3_600_000);
