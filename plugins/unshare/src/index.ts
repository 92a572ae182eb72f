import { definePlugin } from '@boxkit/contracts';
import { unshareIsolator } from './isolator.ts';

/** Isolation by namespaces, made by util-linux's `unshare`. */
export const unsharePlugin = definePlugin({
  name: '@boxkit/plugin-unshare',
  setup: (host) => host.addIsolator(unshareIsolator()),
});

export default unsharePlugin;
export { unshareIsolator };
