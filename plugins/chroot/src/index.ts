import { definePlugin } from '@boxkit/contracts';
import { chrootIsolator } from './isolator.ts';

/** chroot(2): a root of its own, and no security boundary. */
export const chrootPlugin = definePlugin({
  name: '@boxkit/plugin-chroot',
  setup: (host) => host.addIsolator(chrootIsolator()),
});

export default chrootPlugin;
export { chrootIsolator };
