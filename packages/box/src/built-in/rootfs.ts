import type { Plugin } from '@boxkit/contracts';
import { rootfsPlugin } from '@boxkit/layer-applier/plugin';

export function rootfsPlugins(): readonly Plugin[] {
  return [rootfsPlugin()];
}
