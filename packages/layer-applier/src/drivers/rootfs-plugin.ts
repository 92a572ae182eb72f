import { definePlugin } from '@boxkit/contracts';
import { overlayDriver } from './overlay-driver.ts';
import { mergeDriver } from './merge-driver.ts';

/** The drivers that box brings: `overlay`, then `merge`. */
export const rootfsPlugin = () =>
  definePlugin({
    name: '@boxkit/rootfs',
    setup(host) {
      host.addRootfsDriver(overlayDriver());
      host.addRootfsDriver(mergeDriver());
    },
  });
