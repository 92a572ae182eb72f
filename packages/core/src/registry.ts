import { BoxError } from '@boxkit/contracts';
import type {
  BoxEvent,
  ImageDestination,
  ImageSource,
  Isolator,
  Plugin,
  PluginCommand,
  PluginHost,
  RootfsDriver,
  Stage,
  StageName,
} from '@boxkit/contracts';
import type { CheckShape } from './shapes.ts';

/** All that plugins contributed, in order of registration. */
export interface Registry {
  /**
   * Runs a plugin's setup. Its contributions appear together when the setup has ended, or not at all.
   * Throws ERR_BOX_PLUGIN_INVALID, naming plugin and field, for a wrong shape or a name that is taken.
   */
  register(plugin: Plugin, options?: RegisterOptions): Promise<void>;
  readonly plugins: readonly string[];
  readonly sources: readonly ImageSource[];
  readonly destinations: readonly ImageDestination[];
  readonly rootfsDrivers: readonly RootfsDriver[];
  readonly isolators: readonly Isolator[];
  readonly commands: readonly PluginCommand[];
  readonly observers: readonly ((event: BoxEvent) => void)[];
  stagesAfter(stage: StageName): readonly Stage<never, unknown>[];
}

export interface RegisterOptions {
  /**
   * The shapes are known to be right because the compiler saw them together with this package, so zod need not be
   * loaded to check them. For plugins that are built in with their program.
   */
  readonly compiledIn?: boolean;
}

interface Contributions {
  readonly sources: ImageSource[];
  readonly destinations: ImageDestination[];
  readonly rootfsDrivers: RootfsDriver[];
  readonly isolators: Isolator[];
  readonly commands: PluginCommand[];
  readonly observers: ((event: BoxEvent) => void)[];
  readonly stages: { readonly after: StageName; readonly stage: Stage<never, unknown> }[];
}

const noContributions = (): Contributions => ({
  sources: [],
  destinations: [],
  rootfsDrivers: [],
  isolators: [],
  commands: [],
  observers: [],
  stages: [],
});

export function createRegistry(): Registry {
  const names: string[] = [];
  const all = noContributions();

  return {
    async register(plugin, options = {}) {
      const check: CheckShape = options.compiledIn === true ? () => {} : (await import('./shapes.ts')).checkShape;
      check('plugin', plugin, nameForMessages(plugin));
      if (names.includes(plugin.name)) throw invalid(plugin.name, 'is registered already');
      const own = noContributions();
      await plugin.setup(hostFor(plugin.name, own, check));
      refuseTakenNames(plugin.name, all, own);
      names.push(plugin.name);
      all.sources.push(...own.sources);
      all.destinations.push(...own.destinations);
      all.rootfsDrivers.push(...own.rootfsDrivers);
      all.isolators.push(...own.isolators);
      all.commands.push(...own.commands);
      all.observers.push(...own.observers);
      all.stages.push(...own.stages);
    },
    plugins: names,
    sources: all.sources,
    destinations: all.destinations,
    rootfsDrivers: all.rootfsDrivers,
    isolators: all.isolators,
    commands: all.commands,
    observers: all.observers,
    stagesAfter: (after) => all.stages.filter((entry) => entry.after === after).map((entry) => entry.stage),
  };
}

function hostFor(plugin: string, own: Contributions, check: CheckShape): PluginHost {
  return {
    addSource(source) {
      check('source', source, plugin);
      own.sources.push(source);
    },
    addDestination(destination) {
      check('destination', destination, plugin);
      own.destinations.push(destination);
    },
    addRootfsDriver(driver) {
      check('rootfsDriver', driver, plugin);
      own.rootfsDrivers.push(driver);
    },
    addIsolator(isolator) {
      check('isolator', isolator, plugin);
      own.isolators.push(isolator);
    },
    addStage(after, stage) {
      check('stage', { after, stage }, plugin);
      own.stages.push({ after, stage });
    },
    onEvent(observer) {
      check('observer', observer, plugin);
      own.observers.push(observer);
    },
    addCommand(command) {
      check('command', command, plugin);
      own.commands.push(command);
    },
  };
}

function refuseTakenNames(plugin: string, all: Contributions, own: Contributions): void {
  const kinds: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['source', all.sources.map(({ scheme }) => scheme), own.sources.map(({ scheme }) => scheme)],
    ['destination', all.destinations.map(({ scheme }) => scheme), own.destinations.map(({ scheme }) => scheme)],
    ['rootfs driver', all.rootfsDrivers.map((driver) => driver.name), own.rootfsDrivers.map((driver) => driver.name)],
    ['isolator', all.isolators.map((isolator) => isolator.name), own.isolators.map((isolator) => isolator.name)],
    ['command', all.commands.map((command) => command.name), own.commands.map((command) => command.name)],
  ];
  for (const [kind, taken, wanted] of kinds) {
    const seen = new Set(taken);
    for (const name of wanted) {
      if (seen.has(name)) throw invalid(plugin, `adds the ${kind} ${JSON.stringify(name)}, a name that is taken`);
      seen.add(name);
    }
  }
}

function nameForMessages(plugin: unknown): string {
  const named = typeof plugin === 'object' && plugin !== null && 'name' in plugin && typeof plugin.name === 'string';
  return named ? (plugin as Plugin).name : 'without a name';
}

function invalid(plugin: string, what: string): BoxError {
  return new BoxError('ERR_BOX_PLUGIN_INVALID', `plugin ${plugin} ${what}`, {
    hint: 'Leave one of the two out of the list of plugins.',
    fields: { plugin },
  });
}
