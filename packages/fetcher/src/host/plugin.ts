import { definePlugin, type Plugin } from '@boxkit/contracts';
import { hostSource } from './source.ts';

/** Contributes the `host:` source. Made of nothing that a stranger's plugin could not use. */
export function hostPlugin(): Plugin {
  return definePlugin({
    name: '@boxkit/source-host',
    setup(host) {
      host.addSource(hostSource());
    },
  });
}
