import type { BytePath } from '../byte-path.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import type { IndexedLayer } from './indexed-layer.ts';

/** One entry of one layer, and what the layers above it make of it. */
export interface SurveyedEntry {
  readonly layer: IndexedLayer;
  readonly entry: LayerEntry;
  /** What the image has, or had, of it: the same for two entries that are one directory. */
  readonly node: number;
  /** Where it is in the image. */
  readonly path: BytePath;
  /** Whether the image shows it. A directory is shown however many layers have it; `met` tells of the others. */
  readonly shown: boolean;
  /** What the nearest layer above that has to do with the path does: replaces it, deletes it, or, of a directory, has it too. */
  readonly met: { readonly position: number; readonly how: 'replaced' | 'deleted' | 'merged' } | undefined;
}

/** Something of an image, by its path without symlinks. */
export interface IndexedPath {
  readonly path: BytePath;
  readonly kind: 'directory' | 'symlink' | 'other';
  readonly node: number;
}

/** One name of a directory of the image. */
export interface IndexedName extends IndexedPath {
  /** As bytes (latin1). */
  readonly name: string;
  readonly entry: LayerEntry;
  readonly layer: IndexedLayer;
}
