import type { Plugin } from '@boxkit/contracts';
import type { Registry } from '@boxkit/core';
import type { BoxConfig } from './config.ts';

/** The three kinds of built-in plugins, each loaded when first needed: a warm run never loads an image source. */
export type BuiltInGroup = 'sources' | 'rootfs' | 'isolators';

const groups: Readonly<Record<BuiltInGroup, (config: BoxConfig) => Promise<readonly Plugin[]>>> = {
  sources: async (config) => (await import('./built-in/sources.ts')).sourcePlugins(config),
  rootfs: async () => (await import('./built-in/rootfs.ts')).rootfsPlugins(),
  isolators: async () => (await import('./built-in/isolators.ts')).isolatorPlugins(),
};

/** A registry whose built-in contributions appear group by group. */
export interface LazyRegistry {
  readonly registry: Registry;
  /** Registers the plugins of a group unless they are, and returns the registry with them in it. */
  with(...wanted: readonly BuiltInGroup[]): Promise<Registry>;
}

export function withBuiltIns(registry: Registry, config: BoxConfig = {}): LazyRegistry {
  const loading = new Map<BuiltInGroup, Promise<void>>();
  const load = async (group: BuiltInGroup): Promise<void> => {
    for (const plugin of await groups[group](config)) await registry.register(plugin, { compiledIn: true });
  };
  return {
    registry,
    async with(...wanted) {
      for (const group of wanted) {
        if (!loading.has(group)) loading.set(group, load(group));
        await loading.get(group);
      }
      return registry;
    },
  };
}
