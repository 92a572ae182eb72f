import { closeSync, fstatSync } from 'node:fs';
import { BoxError, type Layer } from '@boxkit/contracts';
import { linkName, statName } from '@boxkit/linux';
import { baseName, parentPath, pathText, type BytePath } from '../byte-path.ts';
import type { DeferredHardlink } from '../staged-layer.ts';
import type { MergeState } from './merge-state.ts';
import { must } from './open-directory.ts';
import { resolveDirectory, type ResolvedDirectory } from './resolve-directory.ts';

/** A hardlink that waits: the lower layers' file is held by another name, so that nothing of this layer can take it away. */
interface HeldLink extends DeferredHardlink {
  /** Its name in the trash; undefined when the lower layers have no such file. */
  readonly held: string | undefined;
}

/** Finds the targets before anything of the layer is merged: only lower layers can have them. */
export function holdTargets(state: MergeState, hardlinks: readonly DeferredHardlink[]): readonly HeldLink[] {
  return hardlinks.map((link, position) => {
    const held = `link-${position}`;
    const from = resolveDirectory(state, parentPath(link.target), { create: false });
    if (typeof from === 'string') return { ...link, held: undefined };
    const found = statName(from.fd, baseName(link.target));
    const isFile = found !== undefined && !found.isDirectory();
    if (isFile) must(linkName(from.fd, baseName(link.target), state.trash, held), 'linkat', link.target);
    closeSync(from.fd);
    return { ...link, held: isFile ? held : undefined };
  });
}

/**
 * Makes the hardlinks when all else of the layer is in place, in the order of the tar, as one may be the target of
 * the next. Throws ERR_BOX_LAYER_INVALID when nobody has a target.
 */
export function linkDeferred(state: MergeState, layer: Layer, hardlinks: readonly HeldLink[]): void {
  for (const { path, target, held } of hardlinks) {
    const from = held === undefined ? resolveDirectory(state, parentPath(target), { create: false }) : undefined;
    if (typeof from === 'string') throw missingTarget(layer, path, target);
    const [directory, name] = from === undefined ? [state.trash, held ?? ''] : [from.fd, baseName(target)];
    // Its parents are in the layer's tree, so all that can be missing is where a lower symlink leads.
    const times = fstatSync(directory, { bigint: true });
    const to = resolveDirectory(state, parentPath(path), { create: true, times });
    try {
      if (typeof to === 'string' || !linkOne(state, { directory, name }, to, path)) {
        throw missingTarget(layer, path, target);
      }
    } finally {
      if (from !== undefined) closeSync(from.fd);
      if (typeof to !== 'string') closeSync(to.fd);
    }
  }
}

function linkOne(
  state: MergeState,
  from: { readonly directory: number; readonly name: string },
  to: ResolvedDirectory,
  path: BytePath,
): boolean {
  const found = statName(from.directory, from.name);
  if (found === undefined || found.isDirectory()) return false;
  const old = statName(to.fd, baseName(path));
  if (old !== undefined && old.ino === found.ino && old.dev === found.dev) return true;
  state.remember(to.fd, to.path);
  if (old !== undefined) state.discard(to.fd, baseName(path), path);
  must(linkName(from.directory, from.name, to.fd, baseName(path)), 'linkat', path);
  return true;
}

/** The error for a hardlink to nowhere. */
export function missingTarget(layer: Layer, path: BytePath, target: BytePath): BoxError {
  return new BoxError(
    'ERR_BOX_LAYER_INVALID',
    `cannot apply layer ${layer.diffId}: ${JSON.stringify(pathText(path))} is a hardlink to ${JSON.stringify(pathText(target))}, which neither it nor a lower layer has as a file`,
    {
      hint: 'The image was built wrongly: rebuild it, or tell who published it.',
      fields: {
        diffId: layer.diffId,
        digest: layer.descriptor.digest,
        entry: pathText(path),
        target: pathText(target),
      },
    },
  );
}
