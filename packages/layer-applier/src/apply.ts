import type {
  AppliedImage,
  Image,
  ImageBudgets,
  PrepareOptions,
  Probe,
  Rootfs,
  RootfsDriver,
  Stage,
  StageContext,
} from '@boxkit/contracts';
import { BoxError } from '@boxkit/contracts';

export interface ApplyOptions {
  /** What to choose from, the preferred first. */
  readonly drivers: readonly RootfsDriver[];
  /** One of them by name; else the first that works here. */
  readonly driver?: string;
  /** Unpack into this directory, missing or empty, instead of making a container. */
  readonly directory?: string;
  /** The container's name. */
  readonly name?: string;
  readonly budgets?: ImageBudgets;
  /** What a tree cannot hold (xattrs, devices without root) is an error instead of a warning. */
  readonly strict?: boolean;
  /** Layers extracted at a time. */
  readonly concurrency?: number;
}

/**
 * The third stage: an image's layers become a rootfs. Without `directory` it belongs to a new container, which is
 * removed when the context's clean-up runs. Throws ERR_BOX_BACKEND_UNKNOWN and _UNAVAILABLE (drivers),
 * ERR_BOX_DIRECTORY_NOT_EMPTY, ERR_BOX_LAYER_*, ERR_BOX_DIFFID_MISMATCH, ERR_BOX_BUDGET_EXCEEDED and those of the store.
 */
export function apply(options: ApplyOptions): Stage<Image, AppliedImage> {
  return {
    name: 'apply',
    async run(image, context) {
      context.signal.throwIfAborted();
      const driver = await chooseDriver(options, context);
      const { budgets, concurrency, directory, strict } = options;
      const limits = {
        ...(budgets === undefined ? {} : { budgets }),
        ...(concurrency === undefined ? {} : { concurrency }),
        ...(strict === undefined ? {} : { strict }),
      };
      if (directory === undefined) return applyToContainer(driver, image, context, options, limits);
      return { image, rootfs: await driver.prepare(image, context, { ...limits, directory }) };
    },
  };
}

async function applyToContainer(
  driver: RootfsDriver,
  image: Image,
  context: StageContext,
  { name }: ApplyOptions,
  limits: PrepareOptions,
): Promise<AppliedImage> {
  const container = await context.store.containers.create({
    ...(name === undefined ? {} : { name }),
    uses: {
      reference: image.reference.text,
      layers: image.layers.map(({ diffId }) => diffId),
      rootfs: image.layers.map(({ chainId }) => chainId),
    },
  });
  context.defer(async () => container[Symbol.asyncDispose]());
  const rootfs: Rootfs = await driver.prepare(image, context, { ...limits, containerPath: container.path });
  return { image, rootfs, container };
}

async function chooseDriver(
  { drivers, driver: wanted, directory }: ApplyOptions,
  context: StageContext,
): Promise<RootfsDriver> {
  const able = drivers.filter(({ makesDirectories }) => directory === undefined || makesDirectories !== false);
  const candidates = wanted === undefined ? able : able.filter(({ name }) => name === wanted);
  if (wanted !== undefined && candidates.length === 0) {
    const known = drivers.some(({ name }) => name === wanted);
    throw new BoxError(
      'ERR_BOX_BACKEND_UNKNOWN',
      known
        ? `cannot unpack into ${directory} with the rootfs driver ${wanted}: it makes no plain directories`
        : `cannot use ${JSON.stringify(wanted)} as a rootfs driver: there is none of that name`,
      { hint: `Choose one of: ${able.map(({ name }) => name).join(', ')}.`, fields: { driver: wanted } },
    );
  }
  const probes: Record<string, Probe> = {};
  for (const candidate of candidates) {
    const probe = await candidate.probe(context);
    if (probe.available) return candidate;
    probes[candidate.name] = probe;
  }
  throw unavailable(probes);
}

function unavailable(probes: Readonly<Record<string, Probe>>): BoxError {
  const failed = Object.entries(probes).flatMap(([name, probe]) => (probe.available ? [] : [{ name, ...probe }]));
  const hint = failed.find((probe) => probe.hint !== undefined)?.hint ?? '`box doctor` shows what each driver needs.';
  return new BoxError(
    'ERR_BOX_BACKEND_UNAVAILABLE',
    `cannot make a rootfs: ${failed.map(({ name, reason }) => `${name}: ${reason}`).join('; ') || 'there is no rootfs driver'}`,
    { hint, fields: { probes } },
  );
}
