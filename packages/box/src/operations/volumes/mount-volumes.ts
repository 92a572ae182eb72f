import { mkdir, rm } from 'node:fs/promises';
import { dirname, join, posix, sep } from 'node:path';
import { BoxError, type AppliedImage, type Mount, type StageContext, type VolumeRequest } from '@boxkit/contracts';
import { copyOutPlan, rootPath, viewRootfs } from '@boxkit/linux';

export interface VolumeWishes {
  readonly mounts: readonly Mount[];
  readonly volumes: readonly VolumeRequest[];
}

/** Targets that the kernel's own files are on; an image that declares a volume there (systemd's do) works without it. */
const reserved = /^\/(?:(?:proc|sys)(?:\/.*)?|dev)?$/;

/**
 * Makes and fills the volumes of a container, and resolves to all its mounts. What the caller mounts on the place of a
 * volume that the image declares takes that place. OCI image-spec, config.md "Volumes".
 */
export async function mountVolumes(
  applied: AppliedImage,
  { mounts, volumes }: VolumeWishes,
  context: StageContext,
): Promise<readonly Mount[]> {
  const taken = new Set([...mounts, ...volumes].map(({ target }) => posix.resolve('/', target)));
  const declared = Object.keys(applied.image.imageConfig.config?.Volumes ?? {})
    .map((target) => posix.resolve('/', target))
    .filter((target) => !taken.has(target) && !reserved.test(target));
  const requests = [...volumes, ...[...new Set(declared)].map((target) => ({ target, readOnly: false }))];
  const all: Mount[] = [...mounts];
  for (const [at, request] of requests.entries()) all.push(await mountVolume(request, at));
  return all;

  async function mountVolume(request: VolumeRequest, at: number): Promise<Mount> {
    const { name, target, readOnly, noCopy = false, options } = request;
    if (!posix.isAbsolute(target)) {
      throw new BoxError('ERR_BOX_USAGE', `cannot mount a volume on ${JSON.stringify(target)}: it is not absolute`);
    }
    const seed = noCopy ? undefined : seedOf(applied, posix.resolve(target), context);
    const source =
      name === undefined
        ? await anonymousVolume(join(directoryOf(applied), 'volumes', String(at)), seed)
        : await useVolume(name, seed);
    return { type: 'bind', source, target, readOnly, ...(options === undefined ? {} : { options }) };
  }

  async function useVolume(name: string, seed: Seed | undefined): Promise<string> {
    const containerId = applied.container?.containerId;
    if (containerId === undefined) {
      throw new BoxError('ERR_BOX_USAGE', `cannot use the volume ${name}: no container is there to claim it`, {
        hint: 'Apply the image without `directory`.',
      });
    }
    const { store, signal } = context;
    return store.volumes.use(name, { containerId, signal, ...(seed === undefined ? {} : { seed }) });
  }
}

type Seed = (directory: string) => Promise<void>;

/** Lies in the container's own directory, and so goes with it. */
async function anonymousVolume(path: string, seed: Seed | undefined): Promise<string> {
  await rm(path, { recursive: true, force: true });
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  if (seed === undefined) await mkdir(path, { mode: 0o755 });
  else await seed(path);
  return path;
}

/**
 * Copies what the image has at the target, if that is a directory. Only out of a rootfs that is the container's own:
 * in any other directory something may run that swaps what is being copied.
 */
function seedOf(applied: AppliedImage, target: string, { store, signal }: StageContext): Seed | undefined {
  const { rootfs, container } = applied;
  if (container === undefined || !rootPath(rootfs).startsWith(container.path + sep)) return undefined;
  const found = viewRootfs(rootfs).find(target);
  if (found?.stats.isDirectory() !== true) return undefined;
  return async (directory) => {
    const { runPlan } = await import('@boxkit/launcher');
    const plan = copyOutPlan(rootfs, { from: found.path, to: directory });
    await runPlan(plan, { home: store.home, action: `fill the volume for ${target}`, signal });
  };
}

function directoryOf({ container, rootfs }: AppliedImage): string {
  return container?.path ?? dirname(rootPath(rootfs));
}
