import { rootfsDriverSuite } from '@boxkit/testkit';
import { openStore } from '@boxkit/store';
import { removeTree } from '../remove-tree.ts';
import { imageOf } from './image.fixture.ts';
import { mergeDriver } from './merge-driver.ts';
import { overlayDriver } from './overlay-driver.ts';

for (const driver of [overlayDriver(), mergeDriver()]) {
  rootfsDriverSuite({
    driver,
    openStore: (home) => openStore({ home, removeTree }),
    imageOf,
    removeTree,
  });
}
