import { closeSync, fstatSync } from 'node:fs';
import { namesIn, openDirectoryAt, symlinkTarget, statName } from '@boxkit/linux';
import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import type { StagedLayer } from '../staged-layer.ts';
import type { MergeState } from './merge-state.ts';
import { closeAsBefore, openBelow, openForChange, type OpenDirectory } from './open-directory.ts';
import { resolveDirectory, type ResolvedDirectory } from './resolve-directory.ts';

/**
 * Takes out of the root what the layer's whiteouts and opaque marks hide. Done before any of the layer's own
 * entries come in, so they hide lower layers only, wherever they stood in the tar, and each as if it were the only one. image-spec, layer.md "Whiteouts".
 */
export function hideLower(
  state: MergeState,
  layerRoot: number,
  layer: Pick<StagedLayer, 'whiteouts' | 'opaques'>,
  implied: ReadonlySet<string>,
): void {
  const placeOf = (path: BytePath): BytePath | undefined => {
    const directory = locate(state, layerRoot, path, implied);
    if (directory === undefined) return undefined;
    closeSync(directory.fd);
    return directory.path;
  };
  // All are found first: a mark may hide the very symlink that leads another one to its place.
  const opaques = layer.opaques.map(placeOf);
  const whiteouts = layer.whiteouts.map((path) => ({ name: baseName(path), parent: placeOf(parentPath(path)) }));
  for (const path of opaques) {
    changeIn(state, path, (fd, at) => {
      for (const name of namesIn(fd)) state.discard(fd, name, joinPath(at, name));
    });
  }
  for (const { parent, name } of whiteouts) {
    changeIn(state, parent, (fd, at) => {
      if (statName(fd, name) !== undefined) state.discard(fd, name, joinPath(at, name));
    });
  }
}

/** Acts on a directory of the root, which another mark may have hidden by now. */
function changeIn(state: MergeState, path: BytePath | undefined, act: (fd: number, path: BytePath) => void): void {
  const fd = path === undefined ? 'ENOENT' : openBelow(state.root, path);
  if (path === undefined || typeof fd === 'string') return;
  state.remember(fd, path);
  act(fd, path);
  closeSync(fd);
}

/**
 * The root's directory that a directory of the layer will be merged with; undefined when there is none, so that
 * nothing is hidden. The layer's own directories do not follow a lower symlink, implied ones do.
 */
function locate(
  state: MergeState,
  layerRoot: number,
  path: BytePath,
  implied: ReadonlySet<string>,
): ResolvedDirectory | undefined {
  const start = resolveDirectory(state, '', { create: false });
  if (typeof start === 'string') return undefined;
  let current: ResolvedDirectory = start;
  let ours: OpenDirectory | undefined = reopen(layerRoot);
  let done = '' as BytePath;
  try {
    for (const name of path === '' ? [] : path.split('/')) {
      done = joinPath(done, name);
      const own = stepInLayer(ours, name);
      ours = own.directory;
      const next =
        own.kind === 'other' ? undefined : step(state, current, name, own.kind === 'none' || implied.has(done));
      closeSync(current.fd);
      if (next === undefined) return undefined;
      current = next;
    }
    return current;
  } finally {
    if (ours !== undefined) closeAsBefore(ours);
  }
}

/** Goes one component down the layer's own tree, which is left as it was: what is closed stays so. */
function stepInLayer(
  directory: OpenDirectory | undefined,
  name: string,
): { readonly kind: 'directory' | 'none' | 'other'; readonly directory: OpenDirectory | undefined } {
  if (directory === undefined) return { kind: 'none', directory: undefined };
  const opened = openForChange(directory.fd, name);
  closeAsBefore(directory);
  if (typeof opened !== 'string') return { kind: 'directory', directory: opened };
  return { kind: opened === 'ENOENT' ? 'none' : 'other', directory: undefined };
}

function step(
  state: MergeState,
  current: ResolvedDirectory,
  name: string,
  follow: boolean,
): ResolvedDirectory | undefined {
  const path = joinPath(current.path, name);
  const opened = openForChange(current.fd, name);
  if (typeof opened !== 'string') {
    state.remember(opened.fd, path, opened.stat);
    return { fd: opened.fd, path };
  }
  if (!follow || symlinkTarget(current.fd, name) === undefined) return undefined;
  const resolved = resolveDirectory(state, path, { create: false });
  return typeof resolved === 'string' ? undefined : resolved;
}

function reopen(directory: number): OpenDirectory | undefined {
  const fd = openDirectoryAt(directory, '.');
  return typeof fd === 'string' ? undefined : { fd, stat: fstatSync(fd, { bigint: true }) };
}
