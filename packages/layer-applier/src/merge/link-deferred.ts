import { closeSync } from 'node:fs';
import { BoxError, type Layer } from '@boxkit/contracts';
import { linkName, statName } from '@boxkit/linux';
import { baseName, parentPath, pathText, type BytePath } from '../byte-path.ts';
import type { DeferredHardlink } from '../staged-layer.ts';
import type { MergeState } from './merge-state.ts';
import { must } from './open-directory.ts';
import { resolveDirectory, type ResolvedDirectory } from './resolve-directory.ts';

/** Makes the hardlinks whose targets only lower layers have. Throws ERR_BOX_LAYER_INVALID when nobody has one. */
export function linkDeferred(state: MergeState, layer: Layer, hardlinks: readonly DeferredHardlink[]): void {
  for (const { path, target } of hardlinks) {
    const from = resolveDirectory(state, parentPath(target), { create: false });
    if (typeof from === 'string') throw missingTarget(layer, path, target);
    const to = resolveDirectory(state, parentPath(path), { create: true });
    try {
      if (typeof to === 'string') throw missingTarget(layer, path, target);
      linkOne(state, layer, from, to, path, target);
    } finally {
      closeSync(from.fd);
      if (typeof to !== 'string') closeSync(to.fd);
    }
  }
}

function linkOne(
  state: MergeState,
  layer: Layer,
  from: ResolvedDirectory,
  to: ResolvedDirectory,
  path: BytePath,
  target: BytePath,
): void {
  const found = statName(from.fd, baseName(target));
  if (found === undefined || found.isDirectory()) throw missingTarget(layer, path, target);
  const old = statName(to.fd, baseName(path));
  if (old !== undefined && old.ino === found.ino && old.dev === found.dev) return;
  state.remember(to.fd, to.path);
  if (old !== undefined) state.discard(to.fd, baseName(path), path);
  must(linkName(from.fd, baseName(target), to.fd, baseName(path)), 'linkat', path);
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
