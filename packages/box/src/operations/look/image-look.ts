import type { Descriptor, Digest, DiffId, HistoryEntry, Image, ImageConfig } from '@boxkit/contracts';

/** One layer of an image, and what it does to those below. Sizes in bytes. */
export interface LayerReport {
  /** From 0 for the lowest. */
  readonly position: number;
  readonly diffId: DiffId;
  readonly descriptor: Descriptor;
  /** Of the build's history, when the config has it. */
  readonly createdBy?: string;
  /** What its tar holds, whiteouts left out. */
  readonly entries: number;
  /** Of its files' content. */
  readonly bytes: number;
  /** Entries that no layer below has. */
  readonly adds: number;
  /** Entries that replace one of a layer below. */
  readonly changes: number;
  /** Directories that a layer below has too. */
  readonly merges: number;
  /** Entries of layers below that it hides without replacing them. */
  readonly deletes: number;
  /** Of its files' content that layers above replace or delete: shipped, and never seen. */
  readonly wasted: number;
}

export type PathType = 'file' | 'hardlink' | 'symlink' | 'character-device' | 'block-device' | 'directory' | 'fifo';

/** One path of an image, as the layer's tar has it: true owner and mode, whatever the disk could hold. Plain data. */
export interface ImagePath {
  /** `/etc/os-release`; bytes that are no UTF-8 are shown as U+FFFD. */
  readonly path: string;
  readonly type: PathType;
  /** Octal, four digits. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of a file. */
  readonly size: number;
  /** ISO 8601. */
  readonly mtime: string;
  /** A symlink's target, or the first name of a hardlink. */
  readonly link?: string;
  /** `major:minor`. */
  readonly device?: string;
  /** Position of the layer that it is seen from. */
  readonly layer: number;
}

/** What one layer does with a path. */
export interface PathInLayer {
  readonly position: number;
  readonly diffId: DiffId;
  readonly does: 'adds' | 'changes' | 'keeps' | 'deletes';
  readonly createdBy?: string;
  /** What the layer has there. */
  readonly entry?: ImagePath;
}

/** Where a path comes from. */
export interface PathOrigin {
  /** Without symlinks on the way. */
  readonly path: string;
  /** The layer whose entry is seen; undefined when the path was deleted. */
  readonly owner?: number;
  /** Every layer that has to do with it, topmost first. */
  readonly layers: readonly PathInLayer[];
}

/** Bytes below a directory. */
export interface PathUsage {
  readonly path: string;
  readonly size: number;
  readonly entries: number;
}

/** A line of a tree: one name, `depth` levels below where the walk began. */
export interface TreeLine {
  readonly path: string;
  readonly name: string;
  readonly depth: number;
  /** Whether it is the last name of its directory. */
  readonly last: boolean;
  readonly type: 'directory' | 'file' | 'symlink' | 'other' | 'whiteout';
  readonly size: number;
  readonly link?: string;
  readonly layer?: number;
  /** Set when the layer hides what lower layers have in this directory. */
  readonly opaque?: boolean;
}

/** A step of the build, and the layer that it made. */
export interface HistoryStep extends HistoryEntry {
  readonly layer?: { readonly position: number; readonly digest: Digest; readonly size: number };
}

export interface PathDifference {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Which of type, mode, owner, size, content, link, device, xattrs; of a change. */
  readonly fields?: readonly string[];
  readonly before?: ImagePath;
  readonly after?: ImagePath;
}

export interface ConfigDifference {
  /** `config.Env.PATH`. */
  readonly field: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/**
 * An image, open for questions. Its layers are in the store: nothing is unpacked into a tree, mounted or started, and
 * what is long comes piece by piece. Dispose of it to let `prune` have its layers.
 */
export interface ImageLook extends AsyncDisposable {
  readonly image: Image;
  readonly config: ImageConfig;
  layers(): readonly LayerReport[];
  history(): readonly HistoryStep[];
  /** Every path that the image shows, layer by layer from the top. */
  entries(): IterableIterator<ImagePath>;
  /** The entries of a directory by name, or the one entry of a path that is none; symlinks on the way are followed inside. */
  list(path: string): readonly ImagePath[];
  /** Paths whose last name, or whole path when the pattern has a slash, fits: `*`, `?`. */
  find(pattern: string): IterableIterator<ImagePath>;
  /** Throws ERR_BOX_FILE_UNREADABLE for a path that is in no layer. */
  why(path: string): PathOrigin;
  /** Bytes below a path, and of each directory down to `depth` (default 1) levels, the largest first. */
  usage(path: string, options?: { readonly depth?: number }): readonly PathUsage[];
  /** Directory by directory, names in order. With `layer`, only what that layer holds, whiteouts too. */
  walk(path: string, options?: { readonly layer?: number; readonly depth?: number }): IterableIterator<TreeLine>;
}
