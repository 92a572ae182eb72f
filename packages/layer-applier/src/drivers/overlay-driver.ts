import type { RootfsDriver } from '@boxkit/contracts';
import { isMachineRoot } from '@boxkit/linux';
import { openProbeCache } from './probe-cache.ts';
import { enterStack } from './overlay-stack.ts';

/**
 * Kernel overlayfs: each layer is extracted once, kept by its diffID and shared by all images and containers. The mount
 * is made by the isolator, in the container's own mount namespace.
 */
export function overlayDriver(): RootfsDriver {
  return {
    name: 'overlay',
    makesDirectories: false,
    probe: ({ store, signal }) => {
      const namespace = overlayNamespace();
      return openProbeCache(store.home).answer(`overlay ${namespace}`, async () => {
        const { probeOverlay } = await import('./overlay-probe.ts');
        return probeOverlay(store, namespace, signal);
      });
    },
    async prepare(image, context, options) {
      const ready = await enterStack(image, context, options);
      if (ready !== undefined) return ready;
      // Loaded when needed: a start that finds all layers in the store is not to pay for it.
      const { buildStack } = await import('./overlay-build.ts');
      return buildStack(image, context, options);
    },
  };
}

/** Which extended attributes overlayfs is to read: `trusted.` is for root of the machine alone. */
export function overlayNamespace(): 'trusted' | 'user' {
  return isMachineRoot() ? 'trusted' : 'user';
}
