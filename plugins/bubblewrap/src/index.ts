import { definePlugin } from '@boxkit/contracts';
import { bubblewrapIsolator } from './isolator.ts';

/** Isolation by bubblewrap. */
export const bubblewrapPlugin = definePlugin({
  name: '@boxkit/plugin-bubblewrap',
  setup: (host) => host.addIsolator(bubblewrapIsolator()),
});

export default bubblewrapPlugin;
export { bubblewrapIsolator };
