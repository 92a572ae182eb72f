import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import type { AppliedImage, FetchedImage, Image, PlannedContainer, RunningContainer, Stage } from '@boxkit/contracts';
import { pipeline } from './pipeline.ts';

const run = promisify(execFile);
const here = import.meta.dirname;
const tsc = join(here, '../../../node_modules/.bin/tsc');

/** Compiled with each row of stages put in the place of ROW. */
const program = (row: string): string => `
import type { AppliedImage, FetchedImage, Image, Stage } from '@boxkit/contracts';
import { pipeline } from '../index.ts';
declare const fetch: Stage<string, FetchedImage>;
declare const manifest: Stage<FetchedImage, Image>;
declare const apply: Stage<Image, AppliedImage>;
declare const look: Stage<{ readonly rootfs: unknown }, number>;
declare const base: Stage<string, { readonly a: number }>;
declare const narrower: Stage<{ readonly a: number; readonly b: number }, number>;
export const row = pipeline(${row});
`;

describe('the types of pipeline', () => {
  let directory: string;
  beforeAll(async () => {
    // Inside the package, so that its imports resolve as they do for the package itself.
    directory = await mkdtemp(join(here, '.types-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function compile(row: string): Promise<string> {
    const file = join(directory, 'row.ts');
    await writeFile(file, program(row));
    const flags = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--allowImportingTsExtensions'];
    const target = [
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--lib',
      'es2024,esnext.disposable',
      '--types',
      'node',
    ];
    try {
      await run(process.execPath, [tsc, ...flags, ...target, file], { cwd: directory });
      return '';
    } catch (error) {
      return (error as { stdout: string }).stdout;
    }
  }

  it('give the whole the first input and the last output', () => {
    type Row = [
      Stage<string, FetchedImage>,
      Stage<FetchedImage, Image>,
      Stage<Image, AppliedImage>,
      Stage<AppliedImage, PlannedContainer>,
      Stage<PlannedContainer, RunningContainer>,
    ];
    const compose = (...row: Row) => pipeline(...row);
    expectTypeOf<ReturnType<typeof compose>>().toExtend<Stage<string, RunningContainer>>();
    expectTypeOf<ReturnType<typeof compose>>().not.toExtend<Stage<string, Image>>();
  });

  it.each(['fetch', 'fetch, manifest', 'fetch, manifest, apply', 'fetch, manifest, apply, look'])(
    'accept %s',
    async (row) => {
      expect(await compile(row)).toBe('');
    },
  );

  it.each([
    ['manifest, fetch', 'two stages in the wrong order'],
    ['fetch, apply', 'a stage left out'],
    ['fetch, manifest, apply, manifest', 'a stage that comes too late'],
    ['base, narrower', 'a stage that wants more than the one before it gives'],
    ['', 'no stage at all'],
  ])('refuse (%s): %s', async (row) => {
    expect(await compile(row)).toMatch(/row\.ts\(\d+,\d+\): error TS/);
  });
});
