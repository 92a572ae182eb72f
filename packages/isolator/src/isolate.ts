import { dirname } from 'node:path';
import { BoxError } from '@boxkit/contracts';
import type {
  AppliedImage,
  Isolator,
  PlannedContainer,
  PublishedPort,
  RunOptions,
  Stage,
  StageContext,
} from '@boxkit/contracts';
import { effectiveIdMap, randomHex } from '@boxkit/linux';
import { buildBundle, type ContainerNames } from './bundle.ts';
import { chooseIsolator } from './choose.ts';
import { requiredFeatures } from './features.ts';
import { stopSignal } from './stop-signal.ts';

export interface IsolateOptions extends RunOptions {
  /** The backends to choose from, in order of preference among equals. */
  readonly isolators: readonly Isolator[];
}

/**
 * Builds a bundle of the image's config and the caller's options, chooses a backend that can enforce it, and asks it
 * for a plan. Starts nothing. Throws ERR_BOX_COMMAND_EMPTY, ERR_BOX_USER_UNKNOWN, ERR_BOX_NOT_ENFORCEABLE,
 * ERR_BOX_BACKEND_UNAVAILABLE, ERR_BOX_BACKEND_UNKNOWN, ERR_BOX_USAGE.
 */
export function isolate(options: IsolateOptions): Stage<AppliedImage, PlannedContainer> {
  return { name: 'isolate', run: (applied, context) => planContainer(applied, context, options) };
}

async function planContainer(
  applied: AppliedImage,
  context: StageContext,
  options: IsolateOptions,
): Promise<PlannedContainer> {
  context.signal.throwIfAborted();
  if (options.volumes !== undefined) {
    throw new BoxError('ERR_BOX_USAGE', 'cannot isolate with volumes: they must have become mounts', {
      hint: 'createBox does so; a pipeline of your own turns them into `mounts`.',
    });
  }
  const names = containerNames(applied, options, context.store.home);
  const isolator = await chooseIsolator(options.isolators, {
    wanted: options.isolation ?? 'auto',
    features: requiredFeatures(applied.rootfs, options),
    home: context.store.home,
  });
  const { publish } = options;
  const settled = publish === undefined ? options : { ...options, publish: await portsFor(publish) };
  const bundle = buildBundle(applied, settled, names);
  const plan = await isolator.plan(bundle);
  const { gid, additionalGids } = bundle.process.user;
  const others = additionalGids.filter((id) => id !== gid);
  if (others.length > 0 && effectiveIdMap(bundle.rootfs.idMap).kind === 'single') {
    const groups = others.join(', ');
    const message = `the command goes without its supplementary groups (${groups}): only one id is mapped, see /etc/subgid`;
    context.emit({ type: 'warning', code: 'groups-unset', message });
  }
  for (const message of plan.warnings) context.emit({ type: 'warning', code: `isolation-${isolator.name}`, message });
  const stop = stopSignal(options.stopSignal ?? applied.image.imageConfig.config?.StopSignal);
  return {
    containerId: names.containerId,
    name: names.name,
    bundle,
    plan,
    stop: { signal: stop, timeout: options.stopTimeout ?? 10_000 },
  };
}

/** Loaded when needed: most containers publish nothing. */
async function portsFor(publish: readonly PublishedPort[]): Promise<readonly PublishedPort[]> {
  if (publish.every(({ hostPort, lastHostPort }) => hostPort !== 0 && lastHostPort === undefined)) return publish;
  const { settlePorts } = await import('./free-ports.ts');
  return settlePorts(publish);
}

function containerNames({ container, rootfs }: AppliedImage, options: RunOptions, home: string): ContainerNames {
  const containerId = container?.containerId ?? randomHex(32);
  return {
    containerId,
    home,
    name: container?.name ?? options.name ?? containerId.slice(0, 12),
    directory: container?.path ?? dirname(rootfs.kind === 'directory' ? rootfs.path : rootfs.target),
  };
}
