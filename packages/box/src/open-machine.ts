import type { RunningContainer } from '@boxkit/contracts';
import { createContext, createEventHub, createRegistry } from '@boxkit/core';
import type { EventHub, Registry } from '@boxkit/core';
import { openStore } from '@boxkit/store';
import { withBuiltIns } from './built-in.ts';
import type { Machine } from './operations/machine.ts';
import type { BoxOptions } from './box.ts';
import { createStages } from './stages.ts';

/** A machine with what a box holds besides. */
export interface OpenMachine {
  readonly machine: Machine;
  readonly registry: Registry;
  readonly hub: EventHub;
  /** The containers of this program that were started and not disposed of. */
  readonly running: Set<RunningContainer>;
}

/** Opens the store, registers the plugins and puts together what operations need. */
export async function openMachine(options: BoxOptions): Promise<OpenMachine> {
  const config = options.config ?? {};
  const registry = createRegistry();
  const plugins = withBuiltIns(registry, config);
  if (options.plugins !== undefined && options.plugins.length > 0) {
    // First, so that a plugin which takes a built-in name is told so here, and not in the middle of a pull.
    await plugins.with('sources', 'rootfs', 'isolators');
    for (const plugin of options.plugins) await registry.register(plugin);
  }
  const hub = createEventHub();
  for (const observer of registry.observers) hub.subscribe(observer);
  if (options.onEvent !== undefined) hub.subscribe(options.onEvent);
  const home = options.home ?? (process.env['BOX_HOME'] ? undefined : config.home);
  const store = await openStore({
    ...(home === undefined ? {} : { home }),
    endForsaken: async (record) => (await import('./operations/containers/leftovers.ts')).endLeftovers(record),
    removeTree: async (path) => (await import('@boxkit/layer-applier')).removeTree(path),
  });
  const running = new Set<RunningContainer>();
  const { logger } = options;
  const machine: Machine = {
    store,
    plugins,
    config,
    pluginModules: options.pluginModules ?? (options.plugins?.length ? undefined : []),
    emit: (event) => hub.emit(event),
    stages: createStages(plugins, config),
    context: ({ signal }, of) =>
      createContext({
        store: of,
        onEvent: (event) => hub.emit(event),
        ...(signal === undefined ? {} : { signal }),
        ...(logger === undefined ? {} : { logger }),
      }),
  };
  return { machine, registry, hub, running };
}
