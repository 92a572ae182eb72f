import type {
  AppliedImage,
  FetchedImage,
  Image,
  ImageBudgets,
  PlannedContainer,
  Platform,
  Reference,
  RunningContainer,
  RunOptions,
  Stage,
  StageContext,
} from '@boxkit/contracts';
import type { BoxConfig } from './config.ts';
import type { LazyRegistry } from './built-in.ts';
import type { Stdio } from './options.ts';

export interface FetchStageOptions {
  readonly platform?: Platform;
  /** Blobs fetched at the same time. */
  readonly concurrency?: number;
}

export interface ApplyStageOptions {
  /** Make a plain directory here instead of a container's rootfs. */
  readonly directory?: string;
  /** The container's name. */
  readonly name?: string;
  /** A rootfs driver by name; default: the first that works here. */
  readonly driver?: string;
  /** Over those of the configuration. */
  readonly budgets?: ImageBudgets;
  /** What the tree cannot hold is an error instead of a warning. */
  readonly strict?: boolean;
}

export interface LaunchStageOptions {
  readonly stdin?: Stdio;
  readonly stdout?: Stdio;
  readonly stderr?: Stdio;
}

/** The five stages, each a function from its options to a stage. */
export interface Stages {
  readonly fetch: (options?: FetchStageOptions) => Stage<string | Reference, FetchedImage>;
  readonly readManifest: (options?: { readonly platform?: Platform }) => Stage<FetchedImage, Image>;
  readonly apply: (options?: ApplyStageOptions) => Stage<Image, AppliedImage>;
  readonly isolate: (options?: RunOptions) => Stage<AppliedImage, PlannedContainer>;
  readonly launch: (options?: LaunchStageOptions) => Stage<PlannedContainer, RunningContainer>;
}

/** The stages with what plugins contributed filled in. Each loads its package when it runs, and not before. */
export function createStages(plugins: LazyRegistry, config: BoxConfig = {}): Stages {
  return {
    fetch: (options = {}) => ({
      name: 'fetch',
      async run(input, context) {
        const [{ fetch }, registry] = await Promise.all([import('@boxkit/fetcher'), plugins.with('sources')]);
        const concurrency = options.concurrency ?? config.concurrency;
        const all = { ...options, sources: registry.sources, ...(concurrency === undefined ? {} : { concurrency }) };
        return fetch(all).run(input, context);
      },
    }),
    readManifest: (options = {}) => ({
      name: 'manifest',
      async run(input, context) {
        const { readManifest } = await import('./built-in/manifest.ts');
        return readManifest(options).run(input, context);
      },
    }),
    apply: (options = {}) => ({
      name: 'apply',
      async run(input, context) {
        const [{ apply }, registry] = await Promise.all([import('./built-in/warm.ts'), plugins.with('rootfs')]);
        const driver = options.driver ?? config.rootfsDriver;
        const all = {
          ...options,
          drivers: registry.rootfsDrivers,
          ...(driver === undefined ? {} : { driver }),
          budgets: { ...config.budgets, ...options.budgets },
        };
        return apply(all).run(input, context);
      },
    }),
    isolate: (options = {}) => ({
      name: 'isolate',
      async run(input, context) {
        const [{ isolate }, registry] = await Promise.all([import('./built-in/warm.ts'), plugins.with('isolators')]);
        const isolation = options.isolation ?? config.isolation;
        const { volumes: _volumes, ...others } = options;
        const mounts = await mountsOf(input, options, context);
        const all = {
          ...others,
          isolators: registry.isolators,
          ...(isolation && { isolation }),
          ...(mounts && { mounts }),
        };
        return isolate(all).run(input, context);
      },
    }),
    launch: (options = {}) => ({
      name: 'launch',
      async run(input, context) {
        const { launch } = await import('./built-in/warm.ts');
        return launch(options).run(input, context);
      },
    }),
  };
}

/** The mounts that a container gets, its volumes among them; undefined for none. */
async function mountsOf(
  applied: AppliedImage,
  { mounts, volumes }: RunOptions,
  context: StageContext,
): Promise<RunOptions['mounts']> {
  const declared = applied.image.imageConfig.config?.Volumes ?? {};
  if (volumes === undefined && Object.keys(declared).length === 0) return mounts;
  const { mountVolumes } = await import('./operations/volumes/mount-volumes.ts');
  return mountVolumes(applied, { mounts: mounts ?? [], volumes: volumes ?? [] }, context);
}
