import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildImage, buildLayer, opaque, whiteout, writeOciLayout } from '@boxkit/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBox } from '../../index.ts';
import type { Box, ImageLook } from '../../index.ts';
import { shellPattern } from './entries.ts';
import { splitImagePath } from './split-path.ts';

const dir = (path: string) => ({ path, type: 'directory' as const });
const base = buildLayer([
  dir('etc'),
  { path: 'etc/passwd', content: 'root', uid: 3, mode: 0o640 },
  { path: 'etc/gone', content: 'bye' },
  dir('usr/lib'),
  { path: 'lib', type: 'symlink', link: 'usr/lib' },
  dir('cache'),
  { path: 'cache/big', content: 'x'.repeat(1000) },
]);
const layers = [
  base,
  buildLayer([{ path: 'lib/new', content: 'n' }, whiteout('etc/gone'), dir('cache'), opaque('cache')]),
  buildLayer([{ path: 'etc/passwd', content: 'root and more' }]),
];
const steps = [
  { created_by: 'ADD' },
  { created_by: 'ENV', empty_layer: true },
  { created_by: 'RUN' },
  { created_by: 'COPY' },
];

describe('a look into an image', () => {
  let home: string;
  let box: Box;
  let look: ImageLook;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'box-look-'));
    box = await createBox({ home: join(home, 'store') });
    const image = buildImage({ layers, configOverride: { history: steps }, config: { Env: ['A=1', 'B=1'] } });
    const upper = buildLayer([{ path: 'etc/passwd', content: 'ROOT', mode: 0o600, uid: 3 }]);
    const again = buildLayer([{ path: 'etc/passwd', content: 'root', mode: 0o640, uid: 3, mtime: 5 }]);
    await writeOciLayout(join(home, 'image'), [
      { document: image, name: 'v1' },
      { document: buildImage({ layers: [base] }), name: 'base' },
      { document: buildImage({ layers: [base, upper], config: { Env: ['A=2'] } }), name: 'v2' },
      { document: buildImage({ layers: [base, again] }), name: 'same' },
    ]);
    look = await box.look(`oci:${join(home, 'image')}:v1`);
  });
  afterAll(async () => {
    await look[Symbol.asyncDispose]();
    await box[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  it('reads no layer again that was unpacked, unless it is small', async () => {
    const large = buildLayer([{ path: 'large', content: 'x'.repeat(2 ** 20) }]);
    await writeOciLayout(join(home, 'large'), [{ document: buildImage({ layers: [base, large] }), name: 'v1' }]);
    await using fresh = await createBox({ home: join(home, 'fresh') });
    await fresh.unpack(`oci:${join(home, 'large')}:v1`, join(home, 'tree'));
    const kept = [];
    for await (const diffId of fresh.store.indexes.list()) kept.push(diffId);
    expect(kept).toEqual([large.diffId]);
    await using seen = await fresh.look(`oci:${join(home, 'large')}:v1`);
    expect(Array.from(seen.find('large'), ({ path }) => path)).toEqual(['/large']);
  });

  it('extracts nothing: it keeps the indexes of the layers, and writes one anew that is damaged', async () => {
    const { store } = box;
    const kept = [];
    for await (const diffId of store.indexes.list()) kept.push(diffId);
    expect(kept.toSorted()).toEqual(layers.map(({ diffId }) => diffId).toSorted());
    expect(await store.layers.has(base.diffId)).toBe(false);
    const index = join(store.indexes.pathOf(base.diffId), 'index');
    const sound = await readFile(index);
    await writeFile(index, sound.subarray(0, 100));
    expect((await box.fsck()).problems).toMatchObject([{ kind: 'layer-index', name: base.diffId }]);
    await using again = await box.look(`oci:${join(home, 'image')}:base`);
    expect(again.list('/etc')).toHaveLength(2);
    expect(await readFile(index)).toEqual(sound);
  });

  it('has, after a pull that was asked for it, the indexes that an extraction would write', async () => {
    await using other = await createBox({ home: join(home, 'other') });
    await other.pull(`oci:${join(home, 'image')}:v1`, { index: true });
    for (const { diffId } of layers) expect(await other.store.indexes.has(diffId)).toBe(true);
    await using pulled = await other.look(`oci:${join(home, 'image')}:v1`, { pull: 'never' });
    expect(pulled.layers()).toEqual(look.layers());
  });

  it('tells what each layer adds, changes, deletes and wastes', () => {
    const counts = look.layers().map(({ entries, adds, changes, merges, deletes, wasted, createdBy }) => {
      return [entries, adds, changes, merges, deletes, wasted, createdBy];
    });
    expect(counts).toEqual([
      [7, 7, 0, 0, 0, 1007, 'ADD'],
      [2, 1, 0, 1, 2, 0, 'RUN'],
      [1, 0, 1, 0, 0, 0, 'COPY'],
    ]);
  });

  it('gives the steps of the history their layers', () => {
    expect(look.history().map((step) => step.layer?.position)).toEqual([0, undefined, 1, 2]);
  });

  it('lists a directory with true owners, symlinks on the way followed inside', () => {
    expect(look.list('/lib').map(({ path }) => path)).toEqual(['/usr/lib/new']);
    expect(look.list('etc')).toMatchObject([{ path: '/etc/passwd', mode: '0644', layer: 2 }]);
  });

  it('finds by name and by path', () => {
    expect([...look.find('pass*')].map(({ path }) => path)).toEqual(['/etc/passwd']);
    expect([...look.find('/usr/*/n?w')].map(({ path }) => path)).toEqual(['/usr/lib/new']);
  });

  it('tells why a path is as it is, and of one that was deleted', () => {
    expect(look.why('/etc/passwd')).toMatchObject({ owner: 2, layers: [{ does: 'changes' }, { does: 'adds' }] });
    expect(look.why('/lib/new')).toMatchObject({ path: '/usr/lib/new', owner: 1 });
    const gone = look.why('/etc/gone');
    expect(gone.owner).toBeUndefined();
    expect(gone.layers).toMatchObject([
      { position: 1, does: 'deletes', createdBy: 'RUN' },
      { position: 0, does: 'adds' },
    ]);
    expect(look.why('/').layers).toEqual([]);
    expect(() => look.why('/nowhere')).toThrow(expect.objectContaining({ code: 'ERR_BOX_FILE_UNREADABLE' }) as Error);
  });

  it('walks the image, or one layer with its whiteouts', () => {
    const image = [...look.walk('/')].map(({ path }) => path);
    expect(image).toEqual(['/cache', '/etc', '/etc/passwd', '/lib', '/usr', '/usr/lib', '/usr/lib/new']);
    const layer = [...look.walk('/etc', { layer: 1 })];
    expect(layer).toMatchObject([{ path: '/etc/gone', type: 'whiteout' }]);
    expect(() => [...look.walk('/', { layer: 9 })]).toThrow('the image has 3');
  });

  it('sums up what is below a directory', () => {
    expect(look.usage('/')[0]).toMatchObject({ path: '/', size: 14 });
    expect(look.usage('/', { depth: 2 }).find(({ path }) => path === '/usr/lib')).toMatchObject({
      size: 1,
      entries: 2,
    });
  });

  it('tells two images apart, by content and not by time', async () => {
    const at = (tag: string) => `oci:${join(home, 'image')}:${tag}`;
    await using comparison = await box.compare(at('base'), at('v2'));
    expect(comparison.sharedLayers).toHaveLength(1);
    expect(comparison.config).toEqual([{ field: 'config.Env.A', after: '2' }]);
    expect(await Array.fromAsync(comparison.paths())).toMatchObject([
      { path: '/etc/passwd', change: 'changed', fields: ['mode', 'content'] },
    ]);
    await using same = await box.compare(at('base'), at('same'));
    expect(await Array.fromAsync(same.paths())).toEqual([]);
    await using other = await box.compare(at('v1'), at('base'));
    expect((await Array.fromAsync(other.paths())).map(({ change, path }) => `${change} ${path}`).toSorted()).toEqual([
      'added /cache/big',
      'added /etc/gone',
      'changed /etc/passwd',
      'removed /usr/lib/new',
    ]);
    expect(await box.store.layers.has(base.diffId)).toBe(false);
  });

  it('compares the contents of files of one size, extracted or not, with all their names and holes', async () => {
    const zeros = Buffer.alloc(9000);
    const one = [
      { path: 'a', content: 'one', mtime: 1 },
      { path: 'b', type: 'hardlink' as const, link: 'a' },
      { path: 'same', content: zeros, mtime: 1 },
      { path: 'moved', content: 'as before' },
    ];
    const two = [
      { path: 'moved', content: 'as before', mtime: 7 },
      { path: 'same', content: zeros, mtime: 2 },
      { path: 'a', content: 'two', mtime: 1 },
      { path: 'b', type: 'hardlink' as const, link: 'a' },
    ];
    // The same layer in both, whose hardlink leads to what another layer has.
    const link = buildLayer([{ path: 'c', type: 'hardlink', link: 'a' }]);
    await writeOciLayout(join(home, 'pair'), [
      { document: buildImage({ layers: [buildLayer(one), link] }), name: '1' },
      { document: buildImage({ layers: [buildLayer(two), link] }), name: '2' },
    ]);
    const references = ['1', '2'].map((tag) => `oci:${join(home, 'pair')}:${tag}`) as [string, string];
    const differences = async () => {
      await using comparison = await box.compare(...references);
      const found = await Array.fromAsync(comparison.paths());
      return found.map(({ path, fields }) => `${path} ${fields?.join()}`).toSorted();
    };
    const expected = ['/a content', '/b content', '/c content'];
    expect(await differences()).toEqual(expected);
    // A plan wants a root file system, so the layers are extracted.
    for (const reference of references) await box.plan(reference, { args: ['/a'] });
    expect(await box.store.layers.has(link.diffId)).toBe(true);
    expect(await differences()).toEqual(expected);
  });
});

describe('what is written on a command line', () => {
  it.each([
    ['alpine:/etc', { reference: 'alpine', path: '/etc' }],
    ['alpine:3.19:/etc', { reference: 'alpine:3.19', path: '/etc' }],
    ['oci:/srv/image:v1', { reference: 'oci:/srv/image:v1' }],
    ['oci:/srv/image:v1:/etc', { reference: 'oci:/srv/image:v1', path: '/etc' }],
    ['host:/bin/sh', { reference: 'host:/bin/sh' }],
    ['127.0.0.1:5000/a/b', { reference: '127.0.0.1:5000/a/b' }],
  ])('%s names an image, and a path in it', (text, expected) => {
    expect(splitImagePath(text)).toEqual(expected);
  });

  it('is a pattern of * and ?, in time that does not explode', () => {
    expect(['a.conf', '.conf', 'a.conf.d'].filter(shellPattern('*.conf'))).toEqual(['a.conf', '.conf']);
    expect(shellPattern('a?c')('abc')).toBe(true);
    expect(shellPattern(`${'*a'.repeat(30)}b`)('a'.repeat(5000))).toBe(false);
  });
});
