import { chmodSync, rmSync, symlinkSync, truncateSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { buildImage, buildLayer, temporaryDirectory, whiteout, writeOciLayout } from '@boxkit/testkit';
import { createBox } from '../create-box.ts';

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
  const tree = join(box.store.layers.pathOf(layer.diffId), 'tree');
  expect(await box.fsck()).toMatchObject({ problems: [], checked: { trees: expect.any(Number) as number } });

  const damage: [RegExp, () => void][] = [
    [/etc\/motd is missing/, () => rmSync(join(tree, 'etc/motd'))],
    [/etc\/motd has 2 bytes, not 11/, () => truncateSync(join(tree, 'etc/motd'), 2)],
    [/etc\/motd has the mode 600, not 644/, () => chmodSync(join(tree, 'etc/motd'), 0o600)],
    [/bin leads elsewhere/, () => (unlinkSync(join(tree, 'bin')), symlinkSync('etc', join(tree, 'bin')))],
    [/it has no index/, () => rmSync(join(tree, '../index'))],
  ];
  for (const [problem, harm] of damage) {
    harm();
    expect((await box.fsck()).problems).toEqual([
      expect.objectContaining({ kind: 'layer', problem: expect.stringMatching(problem) as string }),
    ]);
    expect(await box.fsck({ repair: true })).toMatchObject({ repaired: true });
    expect((await box.fsck()).problems).toEqual([]);
    await plan();
  }
});
