import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  buildImage,
  buildLayer,
  differences,
  opaque,
  readTree,
  requireTool,
  runCommand,
  whiteout,
  writeOciLayout,
} from '@boxkit/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBox } from '../../index.ts';
import type { Box } from '../../index.ts';

const dir = (path: string) => ({ path, type: 'directory' as const });
const lower = [
  dir('etc'),
  { path: 'etc/kept', content: 'kept', uid: 7, gid: 8, mode: 0o4755 },
  { path: 'etc/gone', content: 'secret' },
  dir('cache'),
  { path: 'cache/a', content: 'a' },
  { path: 'names/one', content: 'same', xattrs: { 'user.x': '1' } },
];
const middle = [
  { path: 'names/two', type: 'hardlink' as const, link: 'names/one' },
  { path: 'dev/null', type: 'char' as const, major: 1, minor: 3 },
  whiteout('etc/gone'),
];
const upper = [
  { path: 'names/one', content: 'other' },
  dir('cache'),
  opaque('cache'),
  { path: 'cache/b', content: 'b' },
];

describe('layers made one', () => {
  let home: string;
  let box: Box;
  let reference: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'box-squash-'));
    box = await createBox({ home: join(home, 'store') });
    const [base, ...others] = [lower, middle, upper].map((entries) => buildLayer(entries));
    if (base === undefined) throw new Error('no layer');
    await writeOciLayout(join(home, 'image'), [
      { document: buildImage({ layers: [base, ...others] }), name: 'all' },
      { document: buildImage({ layers: [base] }), name: 'base' },
      { document: buildImage({ layers: others }), name: 'other' },
    ]);
    reference = `oci:${join(home, 'image')}`;
  });
  afterAll(async () => {
    await box[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  let count = 0;
  async function tree(of: string) {
    const directory = join(home, `tree-${(count += 1)}`);
    await box.unpack(of, directory);
    return readTree(directory);
  }
  async function umociTree(layout: string) {
    const bundle = join(home, `bundle-${(count += 1)}`);
    await runCommand('umoci', ['unpack', '--image', layout, bundle]);
    return readTree(join(bundle, 'rootfs'));
  }
  // The root has no entry: it is as new as its unpacking.
  const same = (lines: readonly string[]) => lines.filter((line) => !line.startsWith('.:'));

  it('show what the image showed, all of them as one layer without marks', async (context) => {
    requireTool(context, 'umoci');
    const made = await box.flatten(`${reference}:all`, { tag: 'flat' });
    expect(made.layers).toHaveLength(1);
    expect(same(differences(await tree(`${reference}:all`), await tree('flat')))).toEqual([]);
    await box.flatten(`${reference}:all`, { tag: `oci:${join(home, 'out')}:flat` });
    const [theirs, original] = [
      await umociTree(`${join(home, 'out')}:flat`),
      await umociTree(`${join(home, 'image')}:all`),
    ];
    // No entry tells of these directories.
    const free = /^(?:names|dev): mtime/;
    expect(same(differences(original, theirs)).filter((line) => !free.test(line))).toEqual([]);
    await using look = await box.look('flat');
    expect([...look.walk('/', { layer: 0 })].filter(({ type, opaque: mark }) => type === 'whiteout' || mark)).toEqual(
      [],
    );
    expect(look.history().map(({ created_by: by, empty_layer: empty }) => [by, empty ?? false])).toEqual([
      ['layer 0', true],
      ['layer 1', true],
      ['layer 2', true],
      ['box flatten: 3 layers', false],
    ]);
  });

  it.each([
    ['above a base', { base: 'base' }],
    ['the last two', { last: 2 }],
  ])('hide of the lower ones what they hid: %s', async (_, { base, last }: { base?: string; last?: number }) => {
    const how = base === undefined ? { last: last ?? 0 } : { base: `${reference}:${base}` };
    const made = await box.squash(`${reference}:all`, { tag: 'one', ...how });
    expect(made.layers).toHaveLength(2);
    expect(same(differences(await tree(`${reference}:all`), await tree('one')))).toEqual([]);
    await using look = await box.look('one');
    expect(look.why('/etc/gone').layers[0]?.does).toBe('deletes');
    expect(look.why('/names/two').owner).toBe(1);
  });

  it('are the same bytes each time', async () => {
    const digests = [];
    for (const tag of ['once', 'twice']) {
      digests.push((await box.flatten(`${reference}:all`, { tag })).layers[0]?.descriptor.digest);
    }
    expect(digests[0]).toBe(digests[1]);
  });

  it.each([
    ['no choice', {}],
    ['two choices', { base: 'base', last: 1 }],
    ['more than there are', { last: 4 }],
    ['none', { last: 0 }],
    ['a base that it is not made of', { base: 'other' }],
    ['itself', { base: 'all' }],
  ])('are not made of %s', async (_, { base, last }: { base?: string; last?: number }) => {
    const how = { ...(base !== undefined && { base: `${reference}:${base}` }), ...(last !== undefined && { last }) };
    const before = await box.images();
    const failure = box.squash(`${reference}:all`, { tag: 'bad', ...how });
    await expect(failure).rejects.toMatchObject({ code: 'ERR_BOX_USAGE' });
    expect((await box.images()).map(({ reference: name }) => name)).toEqual(before.map(({ reference: name }) => name));
  });
});
