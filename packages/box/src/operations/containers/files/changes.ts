import { createInterface } from 'node:readline';
import { join, posix } from 'node:path';
import type { DiskStore, ContainerRecord } from '@boxkit/store';
import type { Bundle } from '@boxkit/contracts';
import { pathText } from '@boxkit/layer-applier';
import { isMachineRoot } from '@boxkit/linux';
import type { Cancellable } from '../../../options.ts';
import type { Machine } from '../../machine.ts';
import { findContainer, wrongState } from '../find.ts';
import { readBundle } from '../saved-bundle.ts';
import { startFilesProcess } from './inside.ts';
import type { ContainerChange } from '../types.ts';
import type { ChangedTree, TreeChange } from './tree-changes.ts';

/**
 * What a container changed of its image, running or ended; see `TreeChanges` for the order and what counts. Throws
 * ERR_BOX_CONTAINER_UNKNOWN, ERR_BOX_CONTAINER_STATE for one without an image, ERR_BOX_FILE_UNREADABLE.
 */
export async function* changesOf(
  machine: Pick<Machine, 'store' | 'emit'>,
  text: string,
  { signal }: Cancellable = {},
): AsyncGenerator<TreeChange, void, undefined> {
  const record = await findContainer(machine.store, text);
  const tree = changedTree(machine.store, record);
  const { idMap } = readBundle(record.path).rootfs;
  const files = startFilesProcess(
    { kind: 'directory', path: record.path, idMap },
    { do: 'changes', tree },
    {
      home: machine.store.home,
      action: `tell what the container ${record.name} changed`,
      emit: (event) => machine.emit(event),
      ...(signal === undefined ? {} : { signal }),
    },
  );
  try {
    if (files.output !== null) {
      for await (const line of createInterface({ input: files.output })) yield JSON.parse(line) as TreeChange;
    }
    await files.done;
  } finally {
    files.end();
  }
}

/** The same for people and JSON. */
export async function* containerChanges(
  machine: Pick<Machine, 'store' | 'emit'>,
  text: string,
  options: Cancellable,
): AsyncGenerator<ContainerChange, void, undefined> {
  for await (const { change, path } of changesOf(machine, text, options)) yield { change, path: `/${pathText(path)}` };
}

/** A container's tree and what it was made from, as `TreeChanges` takes them. Throws ERR_BOX_CONTAINER_STATE. */
export function changedTree(store: DiskStore, record: ContainerRecord): ChangedTree {
  const what = 'tell the changes of';
  if (record.status === 'created') throw wrongState(record, what, 'it was never started');
  const bundle = readBundle(record.path);
  const { rootfs } = bundle;
  const mountPoints = mountPointsOf(bundle);
  const namespace = isMachineRoot() ? 'trusted' : 'user';
  if (rootfs.kind === 'overlay') {
    const form = rootfs.userxattr ? 'user' : 'trusted';
    return { own: latin1(rootfs.upper), base: rootfs.lower.map(latin1), whole: false, namespace: form, mountPoints };
  }
  if (!rootfs.path.startsWith(`${record.path}/`)) {
    throw wrongState(record, what, `it runs in ${rootfs.path}, and nothing knows what was there before`);
  }
  return { own: latin1(rootfs.path), base: mergedBase(store, record), whole: true, namespace, mountPoints };
}

/** The tree that the container's was copied from; none for an image without layers. */
function mergedBase(store: DiskStore, { uses }: ContainerRecord): readonly string[] {
  const top = uses?.rootfs.at(-1);
  return top === undefined ? [] : [latin1(join(store.rootfs.pathOf(top), 'tree'))];
}

/** Where something is mounted while it runs. */
function mountPointsOf({ mounts }: Bundle): readonly string[] {
  const standard = ['/proc', '/sys', '/dev', '/etc/hostname', '/etc/hosts', '/etc/resolv.conf'];
  return [...standard, ...mounts.map(({ target }) => posix.resolve('/', target))].map((path) => latin1(path.slice(1)));
}

function latin1(path: string): string {
  return Buffer.from(path).toString('latin1');
}
