import type { BlobStream, BoxEvent, Layer } from '@boxkit/contracts';
import type { BytePath } from './byte-path.ts';
import type { LayerBudgets } from './extract/budgets.ts';

/** How whiteouts and opaque directories are kept in a staged tree. They stand in the index and in the lists of StagedLayer in every form. */
export type WhiteoutForm =
  /** Not in the tree at all. */
  | 'record'
  /** As overlayfs has them for root: character device 0:0, xattr trusted.overlay.opaque=y. */
  | 'overlay'
  /** As overlayfs has them with `userxattr`: character device 0:0 (any user may make it since Linux 5.8), user.overlay.opaque=y. */
  | 'overlay-user';

/** Whose ids the tree's files get. */
export type Ownership =
  /** The layer's own numbers, in this user namespace. */
  | 'host'
  /** No chown: all belongs to the caller; the true owners are in the index. */
  | 'single'
  /** The layer's own numbers; the caller runs inside a user namespace with subordinate ids. */
  | 'subordinate';

export interface ExtractOptions {
  readonly layer: Layer;
  /** The blob. When its `path` is set the file is read instead, and verified. */
  readonly stream: BlobStream;
  /** An existing, empty, private directory on the store's file system. On failure its content is of no use: remove it (removeTree). */
  readonly directory: string;
  readonly ownership: Ownership;
  /** Whether device nodes and every xattr can be made: real root. Without it they are recorded and warned of once. */
  readonly privileged: boolean;
  readonly whiteouts: WhiteoutForm;
  /** Limits, and the tally that all layers of one image share; see createBudgets. */
  readonly budgets: LayerBudgets;
  readonly signal: AbortSignal;
  readonly emit: (event: BoxEvent) => void;
  /** Put the sha256 of every file's content into the index. Default false. */
  readonly contentDigests?: boolean;
  /** What the tree cannot hold is ERR_BOX_EXTRACT_FAILED instead of a warning. Default false. */
  readonly strict?: boolean;
}

/**
 * One layer, extracted by itself. `tree` holds the final state of this layer alone: the same path twice has been
 * settled (the last wins), hardlinks inside the layer are made, directory times and modes are set. Digest and diffID
 * have been verified. What needs lower layers to settle is listed.
 */
export interface StagedLayer {
  readonly layer: Layer;
  /** Absolute path of the extracted tree: `<directory>/tree`. */
  readonly path: string;
  /** Absolute path of the index of its entries: `<directory>/index`; see readIndex. */
  readonly index: string;
  /** Records in the index: entries, implied directories and whiteouts, each path and type once. */
  readonly entries: number;
  /** Bytes of file content in the tree (holes and further hardlinks not counted). */
  readonly bytes: number;
  /** Bytes of the uncompressed tar. */
  readonly tarBytes: number;
  /** Paths of lower layers that are hidden, even where this layer has an entry of the same path. */
  readonly whiteouts: readonly BytePath[];
  /** Directories whose lower children are hidden; '' for the root. */
  readonly opaques: readonly BytePath[];
  /** Directories without an entry of their own, parents first: a lower layer's directory (or symlink to one) keeps its attributes. 0755 0:0 in the tree. */
  readonly impliedDirectories: readonly BytePath[];
  /** In the order of the tar; not in the tree. */
  readonly deferredHardlinks: readonly DeferredHardlink[];
  /** True when the layer has an entry for the root itself. */
  readonly rootEntry: boolean;
  readonly warnings: readonly LayerWarning[];
}

/** A hardlink whose target only a lower layer can have; its parent directories are in the tree. */
export interface DeferredHardlink {
  readonly path: BytePath;
  readonly target: BytePath;
}

/** Something the tree could not hold, said once for all entries it concerns. */
export interface LayerWarning {
  /** A stable word: `devices-skipped`, `xattrs-skipped`, `type-skipped`. */
  readonly code: string;
  readonly message: string;
  /** How many entries. */
  readonly count: number;
}
