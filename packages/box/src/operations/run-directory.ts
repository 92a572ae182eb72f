import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BoxError, MediaType, parseDigest } from '@boxkit/contracts';
import type { AppliedImage, Image, Reference, RunningContainer, Stage, Store } from '@boxkit/contracts';
import { composeStages } from '@boxkit/core';
import { grantedIdMap } from '@boxkit/linux';
import { hostPlatform } from '@boxkit/manifest';
import type { DirectoryRunOptions } from '../options.ts';
import { disposeWith, openScope } from './machine.ts';
import type { Machine } from './machine.ts';
import { isolateAndLaunch } from './run.ts';
import { storedBlobs } from './stored-blobs.ts';

/** The last two stages, upon a directory that is a rootfs already. What the container writes stays in it. */
export async function runDirectory(
  directory: string,
  options: DirectoryRunOptions,
  machine: Machine,
  running: Set<RunningContainer>,
): Promise<RunningContainer> {
  const { signal, ...others } = options;
  const scope = openScope(machine, signal === undefined ? {} : { signal });
  return disposeWith(scope, async () => {
    const path = resolve(directory);
    const setting = { machine: scope, running, reference: `directory:${path}` };
    const row = [useDirectory(others.name), ...isolateAndLaunch(others, setting)];
    return (await composeStages(row).run(path as never, scope.context)) as RunningContainer;
  });
}

/** The stage that makes a container of a directory which is a rootfs already. */
export function useDirectory(name: string | undefined): Stage<string, AppliedImage> {
  return {
    name: 'directory',
    async run(path, context) {
      await requireDirectory(path);
      const container = await context.store.containers.create(name === undefined ? {} : { name });
      context.defer(async () => container[Symbol.asyncDispose]());
      return {
        image: emptyImage(path, context.store),
        rootfs: { kind: 'directory', path, idMap: grantedIdMap() },
        container,
      };
    },
  };
}

async function requireDirectory(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new BoxError('ERR_BOX_USAGE', `cannot use ${path} as a rootfs: ${why}`, { cause: error });
  });
  if (!found.isDirectory()) throw new BoxError('ERR_BOX_USAGE', `cannot use ${path} as a rootfs: it is no directory`);
}

/** An image without layers and without wishes: what a directory knows of itself. */
function emptyImage(path: string, store: Store): Image {
  // The digest of `{}`; OCI image-spec, manifest.md "Guidance for an Empty Descriptor".
  const digest = parseDigest('sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
  const descriptor = { mediaType: MediaType.ociConfig, digest, size: 2 };
  const platform = hostPlatform();
  return {
    reference: { scheme: 'directory', location: path, text: `directory:${path}` } as Reference,
    root: descriptor,
    manifest: descriptor,
    config: descriptor,
    platform,
    layers: [],
    imageConfig: { ...platform, rootfs: { type: 'layers', diff_ids: [] } },
    blobs: storedBlobs(store),
  };
}
