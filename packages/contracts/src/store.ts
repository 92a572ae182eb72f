import type { Descriptor } from './descriptor.ts';
import type { ChainId, DiffId, Digest } from './digest.ts';
import type { BoxEvent } from './events.ts';
import type { StoredImage } from './image.ts';
import type { VolumeTable } from './volume.ts';

/**
 * What box keeps on disk, below one home. Every write is staged in `tmp/`, synced and renamed, so that no
 * reader ever sees half of it and a crash needs no repair. Safe for many processes at once.
 */
export interface Store {
  /** Absolute path. */
  readonly home: string;
  readonly blobs: BlobStore;
  readonly images: ImageTable;
  readonly layers: TreeStore<DiffId>;
  /** The index of a layer's entries, `index`, of layers that are not extracted. Made again when missing. */
  readonly indexes: TreeStore<DiffId>;
  readonly rootfs: TreeStore<ChainId>;
  readonly containers: ContainerTable;
  readonly volumes: VolumeTable;
  /** A new private directory for staging, on the store's own file system; removed by `dispose`, or by a later process if this one dies. */
  stage(purpose: string): Promise<StagingDirectory>;
}

export interface StagingDirectory extends AsyncDisposable {
  readonly path: string;
}

/** Content-addressed bytes: `blobs/sha256/<hex>`. */
export interface BlobStore {
  /** Where a blob is or would be. */
  pathOf(digest: Digest): string;
  /**
   * Whether all of it is there. Idempotent, cheap. A blob that this store found or wrote stays until the store is
   * disposed: no `prune` of another process takes it away.
   */
  has(digest: Digest): Promise<boolean>;
  /**
   * Takes the write lock of one blob and hands out a writer that continues what an earlier process left.
   * Resolves to undefined when the blob is complete, possibly because another process finished it meanwhile;
   * waiting is told as a `waiting` event. A second writer of the same blob in this process waits like any other.
   */
  write(descriptor: Descriptor, options: WriteOptions): Promise<BlobWriter | undefined>;
  /** Opens a complete blob for reading; the bytes must still be verified. Throws ERR_BOX_BLOB_MISSING. */
  open(digest: Digest, options?: { readonly signal?: AbortSignal }): AsyncIterable<Uint8Array>;
  delete(digest: Digest): Promise<void>;
  /** Every complete blob, in no order. */
  list(): AsyncIterable<{ readonly digest: Digest; readonly size: number }>;
}

export interface WriteOptions {
  readonly signal: AbortSignal;
  readonly emit?: (event: BoxEvent) => void;
}

/** One blob on its way in. Bytes kept so far have been hashed again from the first when this is handed out. */
export interface BlobWriter extends AsyncDisposable {
  /** Bytes already there: where to resume. */
  readonly offset: number;
  /** The partial file; grows as bytes are written, and keeps its inode when committed. */
  readonly path: string;
  /**
   * Appends; resolves when the bytes can be read at `path`. The chunk must not change before. Calls need not await each
   * other: those made while the disk is busy are written together.
   * Throws ERR_BOX_SIZE_MISMATCH past the descriptor's size, ERR_BOX_STORE_* for the disk's errors.
   */
  write(chunk: Uint8Array): Promise<void>;
  /** Forgets all bytes: the source cannot resume. */
  restart(): Promise<void>;
  /** Checks size and digest, syncs, renames. On a mismatch the bytes are dropped and it throws. */
  commit(): Promise<void>;
  /** `dispose` without commit keeps the bytes for a later resume and frees the lock. */
}

/** References and what they point to. Moved atomically. */
export interface ImageTable {
  get(reference: string): Promise<StoredImage | undefined>;
  set(image: StoredImage): Promise<void>;
  /** Resolves to false when there was none. */
  delete(reference: string): Promise<boolean>;
  list(): Promise<readonly StoredImage[]>;
}

/** Directories named by a digest (an extracted layer, a merged rootfs), complete or absent. */
export interface TreeStore<Id extends string> {
  pathOf(id: Id): string;
  has(id: Id): Promise<boolean>;
  /** Runs `build` on a staging directory under the tree's lock unless it is there, then renames it into place. Returns its path. */
  ensure(id: Id, build: (staging: string) => Promise<void>, options: WriteOptions): Promise<string>;
  delete(id: Id): Promise<void>;
  list(): AsyncIterable<Id>;
}

/** Containers: one directory each, with `state.json`. */
export interface ContainerTable {
  /**
   * Makes `containers/<containerId>/`, claimed by this process until disposed. Throws ERR_BOX_NAME_IN_USE,
   * ERR_BOX_NAME_INVALID. `uses` says which trees it needs for as long as it exists; without it no layer and no
   * rootfs is collected while the container is there.
   */
  create(options: { readonly name?: string; readonly uses?: ContainerUses }): Promise<ContainerDirectory>;
}

/** What garbage collection must keep for a container. */
export interface ContainerUses {
  /** The image's name, so that `prune --all` keeps it. */
  readonly reference?: string;
  readonly layers: readonly DiffId[];
  readonly rootfs: readonly ChainId[];
}

export interface ContainerDirectory extends AsyncDisposable {
  readonly containerId: string;
  readonly name: string;
  readonly path: string;
}
