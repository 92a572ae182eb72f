import type { Plugin } from '@boxkit/contracts';
import { chrootPlugin } from '@boxkit/plugin-chroot';
import { unsharePlugin } from '@boxkit/plugin-unshare';

export function isolatorPlugins(): readonly Plugin[] {
  return [unsharePlugin, chrootPlugin];
}
