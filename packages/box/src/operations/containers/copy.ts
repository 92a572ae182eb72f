import { closeSync, existsSync, lstatSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BoxError } from '@boxkit/contracts';
import { SystemCallError } from '@boxkit/linux';
import type { ContainerRecord } from '@boxkit/store';
import type { Cancellable } from '../../options.ts';
import type { Machine } from '../machine.ts';
import { copyContents, copyTree, type OnSkipped, pathOf, type Place } from './copy-tree.ts';
import { findContainer, firstProcess, wrongState } from './find.ts';
import { openDirectoryIn, openRoot } from './open-inside.ts';
import { readBundle } from './saved-bundle.ts';

/** One side of a copy: a path below a root, which for the host is `/`. */
interface Side {
  readonly root: number;
  /** Absolute; a trailing `/` or `/.` has a meaning. */
  readonly path: string;
}

export async function copyFrom(
  machine: Machine,
  text: string,
  [source, target]: readonly [source: string, target: string],
  options: Cancellable,
): Promise<void> {
  using inside = await openContainer(machine, text);
  using host = openRoot('/');
  await copy({ root: inside.fd, path: source }, { root: host.fd, path: target }, machine, options);
}

export async function copyTo(
  machine: Machine,
  text: string,
  [source, target]: readonly [source: string, target: string],
  options: Cancellable,
): Promise<void> {
  using inside = await openContainer(machine, text);
  using host = openRoot('/');
  await copy({ root: host.fd, path: source }, { root: inside.fd, path: target }, machine, options);
}

/** The root that the container's first process has, or the plain directory of one that has ended. */
async function openContainer({ store }: Machine, text: string): Promise<{ readonly fd: number } & Disposable> {
  const record = await findContainer(store, text);
  const pid = firstProcess(record);
  return openRoot(pid === undefined ? endedRoot(record) : `/proc/${pid}/root`);
}

function endedRoot(record: ContainerRecord): string {
  const rootfs = record.status === 'exited' ? readBundle(record.path).rootfs : undefined;
  if (rootfs?.kind === 'directory' && existsSync(rootfs.path)) return rootfs.path;
  throw wrongState(record, 'copy files of', 'its rootfs is an overlay, which is mounted only while it runs');
}

async function copy(from: Side, to: Side, machine: Machine, { signal }: Cancellable): Promise<void> {
  const onSkipped: OnSkipped = (name, what) =>
    machine.emit({ type: 'warning', code: 'copy-skipped', message: `${name} is ${what} and was not copied` });
  try {
    if (isContents(from.path)) return await copyAllIn(from, to, onSkipped, signal);
    using source = openParent(from);
    const stat = lstatSync(pathOf(source.place));
    if (from.path.endsWith('/') && !stat.isDirectory()) throw new Error(`${from.path} is no directory`);
    using target = openTarget(to, { name: source.place.name, directory: stat.isDirectory() });
    await copyTree(source.place, target.place, onSkipped, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof BoxError && !(error instanceof SystemCallError)) throw error;
    const why = error instanceof Error ? error.message.replaceAll(/\/proc\/self\/fd\/\d+\//g, '') : String(error);
    throw new BoxError('ERR_BOX_FILE_UNREADABLE', `cannot copy ${from.path} to ${to.path}: ${why}`, {
      hint: 'Look at both paths; `box exec CONTAINER ls -l DIR` shows what is inside.',
      cause: error,
    });
  }
}

/** `DIR/.` means what lies in it, as cp(1) and docker have it. */
const isContents = (path: string): boolean => path === '/' || path.endsWith('/.');

async function copyAllIn(from: Side, to: Side, onSkipped: OnSkipped, signal?: AbortSignal): Promise<void> {
  const source = openDirectoryIn(from.root, from.path);
  try {
    const target = tryDirectory(to) ?? makeTarget(to);
    try {
      await copyContents(source, target, onSkipped, signal);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

function makeTarget(to: Side): number {
  using parent = openParent(to);
  mkdirSync(pathOf(parent.place), 0o755);
  return openDirectoryIn(to.root, to.path);
}

/** Where a copy goes: into a directory that is there, under its own name, else to the very path. */
function openTarget(to: Side, source: { readonly name: Buffer; readonly directory: boolean }): OpenPlace {
  const existing = tryDirectory(to);
  if (existing !== undefined) return openPlace({ directory: existing, name: source.name });
  if (to.path.endsWith('/') && !source.directory) throw new Error(`there is no directory ${to.path}`);
  const parent = openParent(to);
  const there = lstatSync(pathOf(parent.place), { throwIfNoEntry: false });
  if (there === undefined || !source.directory) return parent;
  parent[Symbol.dispose]();
  throw new Error(`${to.path} is there, and no directory`);
}

function tryDirectory({ root, path }: Side): number | undefined {
  try {
    return openDirectoryIn(root, path);
  } catch (error) {
    if (error instanceof SystemCallError && ['ENOENT', 'ENOTDIR'].includes(error.errno)) return undefined;
    throw error;
  }
}

interface OpenPlace extends Disposable {
  readonly place: Place;
}

function openPlace(place: Place): OpenPlace {
  return { place, [Symbol.dispose]: () => closeSync(place.directory) };
}

function openParent({ root, path }: Side): OpenPlace {
  const name = basename(path);
  // a path that ends with .. names a directory that has its name elsewhere
  if (name === '..' || name === '.' || name === '') throw new Error(`${path} has no name of its own`);
  return openPlace({ directory: openDirectoryIn(root, dirname(join('/', path))), name: Buffer.from(name) });
}
