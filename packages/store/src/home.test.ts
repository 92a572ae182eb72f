import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@boxkit/testkit';
import { describe, expect, test } from 'vitest';
import { defaultHome } from './home.ts';
import { openStore } from './store.ts';
import { codeOf } from './testing/fixtures.ts';

describe('the default home', () => {
  test('BOX_HOME wins, and is made absolute', () => {
    expect(defaultHome({ BOX_HOME: '/srv/box', XDG_DATA_HOME: '/data' }, 0)).toBe('/srv/box');
    expect(defaultHome({ BOX_HOME: 'here' }, 1000)).toBe(join(process.cwd(), 'here'));
  });
  test('root has /var/lib/box, others the data directory of XDG', () => {
    expect(defaultHome({ XDG_DATA_HOME: '/data' }, 0)).toBe('/var/lib/box');
    expect(defaultHome({ XDG_DATA_HOME: '/data', HOME: '/home/a' }, 1000)).toBe('/data/box');
    expect(defaultHome({ HOME: '/home/a' }, 1000)).toBe('/home/a/.local/share/box');
  });
  test('a relative XDG_DATA_HOME and an empty BOX_HOME are ignored', () => {
    expect(defaultHome({ BOX_HOME: '', XDG_DATA_HOME: 'data', HOME: '/home/a' }, 1000)).toBe(
      '/home/a/.local/share/box',
    );
  });
});

describe('opening a home', () => {
  test('a missing home is made, with its parents, closed to others', async () => {
    await using directory = await temporaryDirectory();
    const home = join(directory.path, 'a/b');
    await using store = await openStore({ home });
    expect(store.home).toBe(home);
    expect(statSync(home).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(home, 'version'), 'utf8')).toBe('1\n');
  });

  test('a newer version is refused, and nothing is touched', async () => {
    await using directory = await temporaryDirectory();
    writeFileSync(join(directory.path, 'version'), '2\n');
    expect(await codeOf(() => openStore({ home: directory.path }))).toBe('ERR_BOX_STORE_VERSION');
    expect(readdirSync(directory.path)).toEqual(['version']);
  });

  test('a version file that holds no version is refused', async () => {
    await using directory = await temporaryDirectory();
    writeFileSync(join(directory.path, 'version'), 'Minecraft 1.8');
    expect(await codeOf(() => openStore({ home: directory.path }))).toBe('ERR_BOX_STORE_CORRUPT');
  });

  test('a home that was made by halves is completed', async () => {
    await using directory = await temporaryDirectory();
    mkdirSync(join(directory.path, 'blobs'));
    await using store = await openStore({ home: directory.path });
    expect((await store.fsck()).problems).toEqual([]);
  });

  test('a home below a file cannot be made, and says so', async () => {
    await using directory = await temporaryDirectory();
    writeFileSync(join(directory.path, 'file'), '');
    expect(await codeOf(() => openStore({ home: join(directory.path, 'file/box') }))).toBe('ERR_BOX_STORE_UNWRITABLE');
  });

  test('many at once make one store', async () => {
    await using directory = await temporaryDirectory();
    const home = join(directory.path, 'box');
    const stores = await Promise.all(Array.from({ length: 8 }, () => openStore({ home })));
    for (const store of stores) await store[Symbol.asyncDispose]();
    expect(readdirSync(join(home, 'tmp'))).toEqual(['partial']);
  });
});
