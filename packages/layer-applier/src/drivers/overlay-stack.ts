import { existsSync, mkdirSync, readFileSync, utimesSync } from 'node:fs';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import {
  digestParts,
  type IdMap,
  type Image,
  type OverlayRootfs,
  type PrepareOptions,
  type StageContext,
  type Store,
} from '@boxkit/contracts';
import { BoxError } from '@boxkit/contracts';
import { isMachineRoot } from '@boxkit/linux';
import { chooseIdMap } from './choose-id-map.ts';
import type { RootAttributes } from './root-attributes.ts';

/** Changes when an older record must not be used. */
export const stackVersion = 2;

/** How a stack of layers is mounted, kept with its topmost layer, so that a start need not look into the others. */
export interface OverlayStack {
  readonly version: typeof stackVersion;
  /** See layerForm. */
  readonly form: string;
  /** Topmost first, relative to the home. */
  readonly lower: readonly string[];
  /** What the root directory is to have, as numbers on the disk. */
  readonly root: RootAttributes;
}

/**
 * How trees of this user are kept: the form of whiteouts, and whose the files are. A layer kept in another form (before
 * subordinate ids were granted, say) is extracted anew.
 */
export function layerForm(idMap: IdMap): string {
  return `${isMachineRoot() ? 'trusted' : 'user'} ${idMap.kind}`;
}

/** The record of an image's stack; undefined for an image without layers. */
export function stackFile(store: Store, image: Image): string | undefined {
  const top = image.layers.at(-1);
  if (top === undefined) return undefined;
  return join(store.layers.pathOf(top.diffId), 'stacks', `${digestParts(top.chainId).hex}.json`);
}

/** A stack and the id map that its files are kept with. */
export interface ReadyStack {
  readonly stack: OverlayStack;
  readonly idMap: IdMap;
}

/** The stack of an image if all layers are in the store, settled and in today's form; undefined when they must be made. */
export async function findStack(image: Image, context: StageContext): Promise<ReadyStack | undefined> {
  const { store } = context;
  const file = stackFile(store, image);
  // Told to the store first, so that no other process takes away what is looked at below.
  const kept = await Promise.all(image.layers.map(async ({ diffId }) => store.layers.has(diffId)));
  if (file === undefined || kept.includes(false)) return undefined;
  const stack = readStack(file);
  if (stack === undefined) return undefined;
  const idMap = await chooseIdMap(store.home);
  if (stack.form !== layerForm(idMap)) return undefined;
  if (!stack.lower.every((path) => existsSync(join(store.home, path)))) return undefined;
  for (const { diffId } of image.layers) {
    context.emit({ type: 'layer-applied', diffId, entries: 0, bytes: 0, present: true });
  }
  return { stack, idMap };
}

/** Makes what belongs to the container: an upper directory with the root's attributes, a work directory, a place to mount on. */
export async function makeOverlayRootfs(
  { stack, idMap }: ReadyStack,
  { store }: StageContext,
  { containerPath }: PrepareOptions,
): Promise<OverlayRootfs> {
  if (containerPath === undefined) {
    throw new BoxError('ERR_BOX_USAGE', 'cannot make an overlay rootfs: it needs a container, not a directory', {
      hint: 'Use the merge driver to unpack into a directory.',
    });
  }
  const [upper, work, target] = ['upper', 'work', 'rootfs'].map((name) => join(containerPath, name));
  if (upper === undefined || work === undefined || target === undefined) throw new Error('unreachable');
  for (const path of [upper, work, target]) mkdirSync(path, { mode: 0o755 });
  const { mode, mtime } = stack.root;
  if (isPlain(stack.root)) {
    chmodSync(upper, mode);
    utimesSync(upper, Number(mtime) / 1e9, Number(mtime) / 1e9);
  } else {
    const { dressRoot } = await import('./dress-root.ts');
    await dressRoot(upper, stack.root, idMap);
  }
  return {
    kind: 'overlay',
    lower: stack.lower.length === 0 ? [emptyLayer(containerPath)] : stack.lower.map((path) => join(store.home, path)),
    upper,
    work,
    target,
    userxattr: !isMachineRoot(),
    idMap,
  };
}

/** Whether Node's own calls suffice: a start that needs no more does not load any. */
function isPlain({ uid, gid, mtime, xattrs }: RootAttributes): boolean {
  const isCallers = uid === process.geteuid?.() && gid === process.getegid?.();
  return isCallers && xattrs === undefined && mtime.endsWith('000000');
}

/** overlayfs takes no stack without a lower layer. */
function emptyLayer(containerPath: string): string {
  const path = join(containerPath, 'empty');
  mkdirSync(path, { mode: 0o755 });
  return path;
}

function readStack(file: string): OverlayStack | undefined {
  try {
    const stack = JSON.parse(readFileSync(file, 'utf8')) as OverlayStack;
    return stack.version === stackVersion ? stack : undefined;
  } catch {
    // Not there yet, or cut short by a crash: it is made from the layers.
    return undefined;
  }
}
