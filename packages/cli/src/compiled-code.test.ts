import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { machine, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compileSeccomp, defaultSeccompProfile } from '@boxkit/isolator';
import { defaultCapabilities } from '@boxkit/linux';
import { tryCommand } from '@boxkit/testkit';

const box = join(import.meta.dirname, '../bin/box');
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'box-compiled-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const version = () => tryCommand(box, ['version'], { env: { ...process.env, XDG_CACHE_HOME: directory } });
const caches = (): string[] => readdirSync(join(directory, 'box/compiled')).filter((name) => name.startsWith('main-'));

describe('the code cache of the command', () => {
  it('is made by the first start, for the user alone, and used by the next', async () => {
    expect((await version()).code).toBe(0);
    const [name = ''] = caches();
    const made = readFileSync(join(directory, 'box/compiled', name));
    expect((await version()).code).toBe(0);
    expect(caches()).toEqual([name]);
    expect(readFileSync(join(directory, 'box/compiled', name)).equals(made)).toBe(true);
  });

  it('that is torn, or that others may write, is not run', async () => {
    await version();
    const path = join(directory, 'box/compiled', caches()[0] ?? '');
    writeFileSync(path, readFileSync(path).subarray(0, 1000));
    expect(await version()).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(path).length).toBeGreaterThan(1000);
    chmodSync(path, 0o666);
    expect((await version()).code).toBe(0);
  });
});

it('the bundle holds the default filter as the compiler makes it', () => {
  const architecture = machine() === 'aarch64' ? 'aarch64' : 'x86_64';
  const circumstances = { architecture, capabilities: new Set(defaultCapabilities), kernel: '6.1' } as const;
  const filter = Buffer.from(compileSeccomp(defaultSeccompProfile, circumstances)).toString('base64');
  expect(readFileSync(join(import.meta.dirname, '../dist/main.cjs'), 'latin1')).toContain(filter);
});
