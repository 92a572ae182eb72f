import { expect, test } from 'vitest';
import { rootfsDriverSuite, temporaryDirectory } from '@boxkit/testkit';
import { openStore } from '@boxkit/store';
import { removeTree } from '../remove-tree.ts';
import { chooseIdMap } from './choose-id-map.ts';
import { imageOf } from './image.fixture.ts';
import { mergeDriver } from './merge-driver.ts';
import { overlayDriver } from './overlay-driver.ts';

/** Set by rootless.test.ts, which runs this file as other users. */
const expected = process.env['BOX_TEST_ID_MAP'] ?? (process.geteuid?.() === 0 ? 'host' : undefined);

test.runIf(expected !== undefined)('the id map is the widest that this user may have', async () => {
  await using home = await temporaryDirectory('id-map');
  expect(await chooseIdMap(home.path)).toMatchObject({ kind: expected });
});

for (const driver of [overlayDriver(), mergeDriver()]) {
  rootfsDriverSuite({
    driver,
    openStore: (home) => openStore({ home, removeTree }),
    imageOf,
    removeTree,
  });
}
