import type { RootfsDriver } from '@boxkit/contracts';
import { isMachineRoot } from '@boxkit/linux';
import { openProbeCache } from './probe-cache.ts';
import { ensureStack } from './ensure-stack.ts';
import { makeOverlayRootfs } from './overlay-stack.ts';

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
      return makeOverlayRootfs(await ensureStack(image, context, options), context, options);
    },
  };
}

/** Which extended attributes overlayfs is to read: `trusted.` is for root of the machine alone. */
export function overlayNamespace(): 'trusted' | 'user' {
  return isMachineRoot() ? 'trusted' : 'user';
}
