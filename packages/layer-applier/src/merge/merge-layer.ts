import { closeSync } from 'node:fs';
import type { BytePath } from '../byte-path.ts';
import type { StagedLayer } from '../staged-layer.ts';
import { hideLower } from './hide-lower.ts';
import { holdTargets, linkDeferred } from './link-deferred.ts';
import { openMergeState } from './merge-state.ts';
import { mergeTree, replaceAttributes } from './merge-tree.ts';
import { openPathForChange } from './open-directory.ts';

/** What the merge needs to know of a staged layer. */
export type MergeLayer = Pick<
  StagedLayer,
  'layer' | 'path' | 'whiteouts' | 'opaques' | 'impliedDirectories' | 'deferredHardlinks' | 'rootEntry'
>;

export interface MergePlace {
  /** The tree so far: the lowest layer's to begin with. */
  readonly root: string;
  /** A directory for what is taken out, made when missing; on the root's file system, not inside it. */
  readonly trash: string;
}

/**
 * Applies one staged layer, whiteouts recorded and not in its tree, upon a root. Never copies data; the layer's tree is used up. A root
 * whose merge failed is neither the old nor the new one: stage it, and publish it when all is done.
 * Throws ERR_BOX_LAYER_INVALID (a hardlink to nowhere), ERR_BOX_SYSTEM_CALL.
 */
export function mergeLayer(place: MergePlace, layer: MergeLayer): void {
  using state = openMergeState(place.root, place.trash);
  const implied = new Set<string>(layer.impliedDirectories);
  const ours = openPathForChange(layer.path);
  const tree = ours.fd;
  try {
    const held = holdTargets(state, layer.deferredHardlinks);
    hideLower(state, tree, layer, implied);
    if (layer.rootEntry) replaceAttributes(state, ours, state.root, '' as BytePath);
    mergeTree(state, tree, implied);
    linkDeferred(state, layer.layer, held);
    state.restore();
  } finally {
    closeSync(tree);
  }
}
