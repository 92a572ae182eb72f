import type { ContainerRecord } from '@boxkit/store';
import { type BytePath, type ContainerFiles, openIndexedImage, type PackContainerOptions } from '@boxkit/layer-applier';
import { changedTree } from '../containers/files/changes.ts';
import { startFilesProcess } from '../containers/files/inside.ts';
import { findContainer, firstProcess, pausedFile, wrongState } from '../containers/find.ts';
import { pause, resume } from '../containers/pause.ts';
import { readBundle } from '../containers/saved-bundle.ts';
import type { Scope } from '../machine.ts';
import { baseOf } from './container-base.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A container's files as a tar, read by its own ids in a process that sees them so. Nothing that is mounted in it is in
 * the tar. Throws ERR_BOX_FILE_UNREADABLE, ERR_BOX_CONTAINER_STATE.
 */
export async function* containerTar(
  record: ContainerRecord,
  what: PackContainerOptions['what'],
  scope: Scope,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { store, context } = scope;
  const files = await containerFiles(record, what, scope);
  const { idMap } = readBundle(record.path).rootfs;
  const work = startFilesProcess(
    { kind: 'directory', path: record.path, idMap },
    { do: 'layer', files, what },
    {
      home: store.home,
      action: `read the files of the container ${record.name}`,
      emit: (event) => context.emit(event),
      signal: context.signal,
    },
  );
  try {
    if (work.output !== null) for await (const chunk of work.output) yield chunk as Uint8Array;
    await work.done;
  } finally {
    work.end();
  }
}

async function containerFiles(
  record: ContainerRecord,
  what: PackContainerOptions['what'],
  scope: Scope,
): Promise<ContainerFiles> {
  const { rootfs } = readBundle(record.path);
  // A directory that somebody named has no base, but all its files.
  const isOwn = rootfs.kind === 'overlay' || rootfs.path.startsWith(`${record.path}/`);
  if (what === 'everything' && !isOwn) {
    return { own: Buffer.from(rootfs.path).toString('latin1'), base: [], mountPoints: [] };
  }
  const { own, base, whole, namespace, mountPoints } = changedTree(scope.store, record);
  return {
    own,
    base,
    mountPoints: mountPoints as readonly BytePath[],
    ...(whole ? {} : { upper: namespace }),
    ...(record.started === undefined ? {} : { started: Date.parse(record.started) }),
    ...(rootfs.idMap.kind === 'host' ? {} : await recordedLayers(record, scope)),
  };
}

/** Where the disk could not hold all that an image says of its files, the layers' indexes have it. */
async function recordedLayers(record: ContainerRecord, scope: Scope): Promise<Pick<ContainerFiles, 'layers'>> {
  const image = await baseOf(record, scope);
  if (image === undefined) {
    scope.context.emit({
      type: 'warning',
      code: 'owners-unknown',
      message: `the image of ${record.name} is gone: owners, xattrs and devices are as the disk could hold them`,
    });
    return {};
  }
  return { layers: (await openIndexedImage(image, scope.context)).layers };
}

/** Finds a container that has files to read. Throws ERR_BOX_CONTAINER_UNKNOWN, ERR_BOX_CONTAINER_STATE. */
export async function findForReading(text: string, what: string, { store }: Scope): Promise<ContainerRecord> {
  const record = await findContainer(store, text);
  if (record.status === 'created') throw wrongState(record, what, 'it was never started');
  return record;
}

/** Holds a running container still while its files are read; one that was paused before stays so. */
export async function held<Result>(
  record: ContainerRecord,
  { store }: Scope,
  work: () => Promise<Result>,
): Promise<Result> {
  if (firstProcess(record) === undefined || existsSync(join(record.path, pausedFile))) return work();
  await pause(store, record.containerId).catch(async (error: unknown) => {
    // It ended just now: nothing writes any more.
    if (firstProcess(record) !== undefined) throw error;
  });
  try {
    return await work();
  } finally {
    resume(record);
  }
}
