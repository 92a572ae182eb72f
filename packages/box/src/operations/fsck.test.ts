import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { buildImage, buildLayer, opaque, temporaryDirectory, whiteout, writeOciLayout } from '@boxkit/testkit';
import { createBox } from '../create-box.ts';
import { layerProblem } from './fsck-layer.ts';

const layer = buildLayer([
  { path: 'etc/motd', content: 'hello', mode: 0o640 },
  { path: 'etc/motd', content: 'hello again', mode: 0o644 },
  { path: 'usr/bin', type: 'directory', mode: 0o755 },
  { path: 'usr/bin/tool', content: 'x', mode: 0o4755 },
  { path: 'usr/bin/same', type: 'hardlink', link: 'usr/bin/tool' },
  { path: 'bin', type: 'symlink', link: 'usr/bin' },
  whiteout('gone'),
]);

it('fsck verifies extracted layers by their indexes; repair removes them, and the next unpack makes them again', async () => {
  await using work = await temporaryDirectory('fsck');
  const layout = join(work.path, 'layout');
  await writeOciLayout(layout, [{ document: buildImage({ layers: [layer] }), name: 'a' }]);
  await using box = await createBox({ home: join(work.path, 'home') });
  const reference = `oci:${layout}:a`;
  const plan = async (): Promise<void> => {
    await box.plan(reference, { args: ['/bin/tool'] });
  };
  await plan();
  expect(await box.fsck()).toMatchObject({ problems: [], checked: { trees: expect.any(Number) as number } });
  const kept = box.store.layers.pathOf(layer.diffId);

  const damage: [RegExp, (tree: string) => void][] = [
    [/^etc\/motd is missing$/, (tree) => rmSync(join(tree, 'etc/motd'))],
    [/^etc\/motd has 2 bytes, not 11$/, (tree) => truncateSync(join(tree, 'etc/motd'), 2)],
    [/^etc\/motd has the mode 600, not 644$/, (tree) => chmodSync(join(tree, 'etc/motd'), 0o600)],
    [
      /^etc\/motd was changed at 2001-09-09T01:46:40\.000Z, not at /,
      (tree) => utimesSync(join(tree, 'etc/motd'), 1e9, 1e9),
    ],
    [/^usr\/bin was changed at /, (tree) => utimesSync(join(tree, 'usr/bin'), 1e9, 1e9)],
    [/^etc\/motd belongs to 5:6, not to 0:0$/, (tree) => lchownSync(join(tree, 'etc/motd'), 5, 6)],
    [/^bin leads elsewhere$/, (tree) => (unlinkSync(join(tree, 'bin')), symlinkSync('etc', join(tree, 'bin')))],
    [/^usr\/bin\/same is no link to its target any more$/, (tree) => replaceByCopy(join(tree, 'usr/bin/same'))],
    [/^etc\/extra is not in its index$/, (tree) => writeFileSync(join(tree, 'etc/extra'), 'x')],
    [/^extra is not in its index$/, (tree) => mkdirSync(join(tree, 'extra/directory'), { recursive: true })],
    [/^gone is missing$/, (tree) => unlinkSync(join(tree, 'gone'))],
    [/^it has no tree$/, (tree) => renameSync(tree, `${tree}.away`)],
    [/^it has no index$/, (tree) => rmSync(join(tree, '../index'))],
  ];
  for (const [position, [problem, harm]] of damage.entries()) {
    const copy = join(work.path, `copy-${position}`);
    execFileSync('cp', ['-a', kept, copy]);
    expect(await layerProblem(copy)).toBeUndefined();
    harm(join(copy, 'tree'));
    expect(await layerProblem(copy)).toMatch(problem);
  }

  rmSync(join(kept, 'tree/etc/motd'));
  const problems = [{ kind: 'layer', name: layer.diffId, path: kept, problem: 'etc/motd is missing' }];
  expect(await box.fsck()).toMatchObject({ problems, repaired: false });
  expect(await box.fsck({ repair: true })).toMatchObject({ problems, repaired: true });
  expect((await box.fsck()).problems).toEqual([]);
  await plan();
  expect((await box.fsck()).problems).toEqual([]);
});

it('what a layer replaces, hides and links in odd ways is no damage, in whatever order', async () => {
  await using work = await temporaryDirectory('fsck-odd');
  const lower = buildLayer([
    { path: 'a/b/c', content: 'lower' },
    { path: 'x/y/z', content: 'lower' },
  ]);
  const odd = buildLayer([
    whiteout('a/b/c'),
    opaque('x/y'),
    whiteout('x'),
    whiteout('again'),
    { path: 'again', type: 'directory', mode: 0o750 },
    { path: 'again', type: 'directory', mode: 0o700 },
    { path: 'first', content: 'one' },
    { path: 'second', type: 'hardlink', link: 'first' },
    { path: 'first', content: 'another' },
    { path: 'late', type: 'hardlink', link: 'target' },
    { path: 'target', content: 'x' },
    { path: 'to', type: 'symlink', link: '/etc' },
    { path: 'was/file', content: 'x' },
    { path: 'link-to-was', type: 'hardlink', link: 'was/file' },
    { path: 'was', type: 'symlink', link: '/etc' },
    { path: 'deferred/link', type: 'hardlink', link: 'a/b/c' },
    { path: 'implied/deep/file', content: 'x' },
    whiteout('implied/other/gone'),
    { path: 'null', type: 'char', major: 1, minor: 3 },
  ]);
  const layout = join(work.path, 'layout');
  await writeOciLayout(layout, [{ document: buildImage({ layers: [lower, odd] }), name: 'a' }]);
  await using box = await createBox({ home: join(work.path, 'home') });
  await box.plan(`oci:${layout}:a`, { args: ['/bin/tool'] });
  expect(lstatSync(box.store.layers.pathOf(odd.diffId)).isDirectory()).toBe(true);
  expect((await box.fsck()).problems).toEqual([]);
});

it('with deep, files are compared with the blob: other bytes of the same size and time are found', async () => {
  await using work = await temporaryDirectory('fsck-deep');
  const hiding = buildLayer([
    { path: 'was/file', content: 'x' },
    { path: 'was', type: 'symlink', link: '/etc' },
    { path: 'twice', content: 'one' },
    { path: 'twice', content: 'two' },
    { path: 'empty', content: '' },
  ]);
  const layout = join(work.path, 'layout');
  await writeOciLayout(layout, [{ document: buildImage({ layers: [layer, hiding] }), name: 'a' }]);
  await using box = await createBox({ home: join(work.path, 'home') });
  const reference = `oci:${layout}:a`;
  await box.pull(reference);
  await box.plan(reference, { args: ['/bin/tool'] });
  expect((await box.fsck({ deep: true })).problems).toEqual([]);

  const kept = box.store.layers.pathOf(layer.diffId);
  const motd = join(kept, 'tree/etc/motd');
  const { atimeMs, mtimeMs } = lstatSync(motd);
  writeFileSync(motd, 'hello AGAIN');
  utimesSync(motd, atimeMs / 1000, mtimeMs / 1000);
  expect((await box.fsck()).problems).toEqual([]);
  const problems = [{ kind: 'layer', name: layer.diffId, path: kept, problem: 'etc/motd has another content' }];
  expect(await box.fsck({ deep: true, repair: true })).toMatchObject({ problems, repaired: true });
  await box.plan(reference, { args: ['/bin/tool'] });
  expect((await box.fsck({ deep: true })).problems).toEqual([]);

  // A blob that is damaged itself is one problem of its own.
  truncateSync(box.store.blobs.pathOf(layer.descriptor.digest), 10);
  expect((await box.fsck({ deep: true })).problems.map(({ kind }) => kind)).toEqual(['blob', 'image']);
  expect(box.store.layers.pathOf(layer.diffId)).toBe(kept);
});

it('a merged tree that lost a part is found', async () => {
  await using work = await temporaryDirectory('fsck-rootfs');
  const layout = join(work.path, 'layout');
  await writeOciLayout(layout, [{ document: buildImage({ layers: [layer] }), name: 'a' }]);
  await using box = await createBox({ home: join(work.path, 'home') });
  const plan = async (): Promise<void> => {
    await box.plan(`oci:${layout}:a`, { args: ['/bin/tool'], rootfsDriver: 'merge' });
  };
  await plan();
  const kept = join(box.store.home, 'rootfs', layer.diffId.replace(':', '/'));
  expect(await box.fsck()).toMatchObject({ problems: [], checked: { trees: 1 } });
  const damage: [RegExp, () => void][] = [
    [/it has no tree/, () => renameSync(join(kept, 'tree'), join(kept, 'away'))],
    [/its record cannot be read/, () => truncateSync(join(kept, 'overlay.json'), 3)],
  ];
  for (const [problem, harm] of damage) {
    harm();
    expect((await box.fsck({ repair: true })).problems).toEqual([
      expect.objectContaining({ kind: 'rootfs', problem: expect.stringMatching(problem) as string }),
    ]);
    expect((await box.fsck()).problems).toEqual([]);
    await plan();
  }
});

function replaceByCopy(path: string): void {
  const { mode } = lstatSync(path);
  unlinkSync(path);
  writeFileSync(path, 'x', { mode });
  chmodSync(path, mode);
}
