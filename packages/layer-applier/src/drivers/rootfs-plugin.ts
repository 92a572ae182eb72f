import { definePlugin } from '@boxkit/contracts';
import { mergeDriver } from './merge-driver.ts';

/** The drivers that box brings: `overlay`, then `merge`. */
export const rootfsPlugin = () =>
  definePlugin({
    name: '@boxkit/rootfs',
    setup(host) {
      host.addRootfsDriver(mergeDriver());
    },
  });
