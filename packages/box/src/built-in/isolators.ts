import type { Plugin } from '@boxkit/contracts';
import { bubblewrapPlugin } from '@boxkit/plugin-bubblewrap';
import { chrootPlugin } from '@boxkit/plugin-chroot';
import { unsharePlugin } from '@boxkit/plugin-unshare';

export function isolatorPlugins(): readonly Plugin[] {
  return [unsharePlugin, bubblewrapPlugin, chrootPlugin];
}
