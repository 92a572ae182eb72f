import type { Image, Layer } from './image.ts';
import type { StageContext } from './stage.ts';
import type { ContainerDirectory } from './store.ts';

/** What `apply` hands on: an image and a tree that a container may write to. */
export interface AppliedImage {
  readonly image: Image;
  readonly rootfs: Rootfs;
  /** The container the rootfs was made for; absent when a plain directory was asked for. */
  readonly container?: ContainerDirectory;
}

/**
 * A root file system ready to be entered, as data: an isolator mounts what is to be mounted inside the
 * container's own mount namespace, so that nothing is left when the container dies.
 */
export type Rootfs = DirectoryRootfs | OverlayRootfs;

export interface DirectoryRootfs {
  readonly kind: 'directory';
  /** Absolute path of a directory that is this container's alone. */
  readonly path: string;
  readonly idMap: IdMap;
}

/** Kernel overlayfs. The mount is made by the isolator, at `target`. */
export interface OverlayRootfs {
  readonly kind: 'overlay';
  /** Topmost first, as overlayfs's lowerdir has them. Read-only, shared. */
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  /** An empty directory to mount on. */
  readonly target: string;
  /** Whether whiteouts and opaque marks are in the `user.` form, which a user namespace needs. */
  readonly userxattr: boolean;
  /**
   * The upper directory is thrown away after this one mount, so that overlayfs need not write it to the disk: without this, to
   * unmount it syncs all of the file system below, other programs' files too. An upper directory that was mounted so
   * cannot be mounted again.
   */
  readonly volatile?: boolean;
  readonly idMap: IdMap;
}

/** How ids inside the rootfs relate to those on the disk. */
export type IdMap =
  | { readonly kind: 'host' }
  /** Every file belongs to the caller; inside, the caller is root (or whichever id the process takes). */
  | { readonly kind: 'single'; readonly uid: number; readonly gid: number }
  /** Ranges granted in /etc/subuid and /etc/subgid, set up by newuidmap and newgidmap. */
  | { readonly kind: 'subordinate'; readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] };

export interface IdRange {
  readonly container: number;
  readonly host: number;
  readonly size: number;
}

/** What one image may cost; what is undefined has the default of the layer-applier. Passing one is ERR_BOX_BUDGET_EXCEEDED. */
export interface ImageBudgets {
  /** Bytes of file content, and of uncompressed tar: either may not pass it. */
  readonly bytes?: number;
  readonly entries?: number;
  /** Bytes of one component of a path. */
  readonly nameLength?: number;
  /** Bytes of a path, and of a symlink's target. */
  readonly pathLength?: number;
  /** Components of a path. */
  readonly depth?: number;
  /** Bytes of one extended header. */
  readonly headerBytes?: number;
  /** Uncompressed bytes for each compressed one. */
  readonly ratio?: number;
}

export interface PrepareOptions {
  /** Make a plain directory at this absolute path, missing or empty. */
  readonly directory?: string;
  /** Make the rootfs below this container's directory. */
  readonly containerPath?: string;
  readonly budgets?: ImageBudgets;
  /** What a tree cannot hold (xattrs, devices without root) is ERR_BOX_EXTRACT_FAILED instead of a warning. Default false. */
  readonly strict?: boolean;
  /** Layers extracted at a time; by default what suits the machine. */
  readonly concurrency?: number;
}

/** One strategy of making a rootfs out of layers. */
export interface RootfsDriver {
  readonly name: string;
  /** Whether it can make a plain directory (`box unpack`); true when absent. */
  readonly makesDirectories?: boolean;
  /** Whether it works here, for this user and this home. Starts nothing that lasts. */
  probe(context: Pick<StageContext, 'store' | 'signal'>): Promise<Probe>;
  /**
   * Extracts the layers that are not there yet, many at a time, and puts a writable tree together.
   * With `directory` the result is a plain directory at that path (`box unpack`), made when missing and otherwise
   * empty; without it, it belongs to a container and goes when the context's clean-up runs.
   */
  prepare(image: Image, context: StageContext, options: PrepareOptions): Promise<Rootfs>;
}

/** The answer of a probe: available, or why not and what to do about it. */
export type Probe =
  | { readonly available: true; readonly version?: string; readonly note?: string }
  | { readonly available: false; readonly reason: string; readonly hint?: string };

/** What one extracted layer holds, kept beside its tree. */
export interface AppliedLayer {
  readonly layer: Layer;
  /** Absolute path of the extracted tree. */
  readonly path: string;
  /** Absolute path of the index of its entries. */
  readonly index: string;
}
