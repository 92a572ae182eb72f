import type {
  AppliedImage,
  BoxEvent,
  Logger,
  PlannedContainer,
  Plugin,
  PluginCommand,
  RunningContainer,
  StoredImage,
} from '@boxkit/contracts';
import type { Context } from '@boxkit/core';
import type { ConfigChanges } from '@boxkit/manifest/edit';
import type { DiskStore, FsckResult, PruneResult } from '@boxkit/store';
import type { BoxConfig } from './config.ts';
import type { Containers } from './operations/containers/types.ts';
import type { Explanation } from './operations/explain/explain-run.ts';
import type { ScriptOptions } from './operations/explain/explain-script.ts';
import type { ImageComparison } from './operations/look/compare.ts';
import type { ImageLook } from './operations/look/image-look.ts';
import type { LayerSource } from './operations/make/append.ts';
import type { OpenedImage } from './operations/make/opened-image.ts';
import type { CommitOptions } from './operations/make/commit.ts';
import type { ImportOptions } from './operations/make/import.ts';
import type { Layers } from './operations/make/layers.ts';
import type { Plumbing } from './operations/plumbing/plumbing.ts';
import type { CopiedImage, TransferOptions } from './operations/transfer/copy.ts';
import type { LoadedImage, LoadOptions } from './operations/transfer/load.ts';
import type { SaveOptions } from './operations/transfer/save.ts';
import type {
  AppendOptions,
  BoxRunOptions,
  Cancellable,
  FsckOptions,
  ConfigureOptions,
  Diagnosis,
  DirectoryRunOptions,
  FlattenOptions,
  Inspection,
  LoginOptions,
  PlanOptions,
  PruneOptions,
  PullAndKeepOptions,
  SavedLogin,
  SquashOptions,
  UnpackOptions,
} from './options.ts';
import type { Stages } from './stages.ts';

export interface BoxOptions {
  /** Where everything is kept, absolute; default `$BOX_HOME`, `/var/lib/box` for root, else `$XDG_DATA_HOME/box`. */
  readonly home?: string;
  /** Plugins beside the built-in ones, in order. */
  readonly plugins?: readonly Plugin[];
  /** Absolute paths of the modules whose default exports `plugins` are, for the supervisors of detached containers. */
  readonly pluginModules?: readonly string[];
  /** Called for every event of everything that this box does. */
  readonly onEvent?: (event: BoxEvent) => void;
  /** Default: silent. */
  readonly logger?: Logger;
  /** Defaults and registry settings; what config.json holds. Not read from disk unless `readConfig` did so. */
  readonly config?: BoxConfig;
}

/** Everything box can do, on one home. Disposing of it ends the containers it started. */
export interface Box extends AsyncDisposable {
  readonly store: DiskStore;
  readonly home: string;
  /** The five stages with this box's sources, drivers and backends filled in. */
  readonly stages: Stages;
  /** The same five on JSON, so that each can run in a process of its own. */
  readonly plumbing: Plumbing;
  /** The commands that plugins contributed. */
  readonly commands: readonly PluginCommand[];
  /** What a stage wants beside its input. Dispose of it when its pipeline's result is done with. */
  context(options?: Cancellable): Context;
  /** Fetches an image and keeps it. Throws what the stages `fetch` and `manifest` throw, and ERR_BOX_STORE_*. */
  pull(reference: string, options?: PullAndKeepOptions): Promise<StoredImage>;
  /** Makes a plain directory of an image: made when missing, otherwise empty (ERR_BOX_DIRECTORY_NOT_EMPTY). */
  unpack(reference: string, directory: string, options?: UnpackOptions): Promise<AppliedImage>;
  /** Starts a container. It is removed when the result is disposed, or this box. */
  run(reference: string, options?: BoxRunOptions): Promise<RunningContainer>;
  /** Starts a container in a plain directory, such as `unpack` makes. What it writes stays there. */
  runDirectory(directory: string, options?: DirectoryRunOptions): Promise<RunningContainer>;
  /** What `run` would start, as data: bundle and launch plan. Starts nothing and leaves nothing but the image. */
  plan(reference: string, options?: PlanOptions): Promise<PlannedContainer>;
  /** Those of this home that other programs have started too, and detached ones. */
  readonly containers: Containers;
  images(): Promise<readonly StoredImage[]>;
  /** Reads an image's record and config. Throws ERR_BOX_IMAGE_UNKNOWN. */
  inspect(reference: string, options?: Cancellable): Promise<Inspection>;
  /**
   * The bytes of one file of an image, symlinks followed inside of it; nothing is started.
   * Throws ERR_BOX_FILE_UNREADABLE, and what `run` throws up to the rootfs.
   */
  readFile(reference: string, path: string, options?: UnpackOptions): AsyncIterable<Uint8Array>;
  /**
   * Opens an image for questions: what its layers add and delete, what it holds, where a path comes from. It is fetched
   * and its layers extracted into the store when they are not; nothing is unpacked or started.
   */
  look(reference: string, options?: UnpackOptions): Promise<ImageLook>;
  /** Opens two images, to tell what differs: files and config. */
  compare(before: string, after: string, options?: UnpackOptions): Promise<ImageComparison>;
  /** What `run` would do with the same options: files, layers, system calls, each with its reason. Starts nothing. */
  explain(reference: string, options?: PlanOptions): Promise<Explanation>;
  /** The same as a commented shell script that needs no box. Throws ERR_BOX_NOT_ENFORCEABLE for what such a script cannot. */
  script(reference: string, options?: ScriptOptions): Promise<string>;
  /** Makes layers of directories. */
  readonly layers: Layers;
  /**
   * Opens an image: its documents and layers as data, the entries of each layer, and what can be made of it. Throws what
   * `pull` throws, and ERR_BOX_PLATFORM_MISSING for one that is for another platform only, unless that is asked for.
   */
  image(reference: string, options?: UnpackOptions): Promise<OpenedImage>;
  /**
   * Makes a new image of one and of layers to put on top, the lowest first: paths of tars, plain or compressed by gzip or
   * zstd, or their bytes. Throws ERR_BOX_LAYER_INVALID for what is no tar, ERR_BOX_PLATFORM_MISSING for a base that is
   * not for the platform, and what `pull` throws; nothing is changed then.
   */
  append(reference: string, layers: readonly LayerSource[], options: AppendOptions): Promise<StoredImage>;
  /**
   * Makes an image of a container: its image, and one more layer of what the container changed, without what is mounted
   * in it and without what box itself put there. A running container is held still meanwhile. Throws
   * ERR_BOX_CONTAINER_UNKNOWN, ERR_BOX_CONTAINER_STATE, ERR_BOX_IMAGE_UNKNOWN when the store has its image no more.
   */
  commit(container: string, options: CommitOptions): Promise<StoredImage>;
  /**
   * All files of a container, running or ended, as one tar, without what is mounted in it. Throws
   * ERR_BOX_CONTAINER_UNKNOWN, ERR_BOX_CONTAINER_STATE, ERR_BOX_FILE_UNREADABLE.
   */
  export(container: string, options?: Cancellable): AsyncIterable<Uint8Array>;
  /**
   * Makes an image with one layer of a tar of a root file system, compressed in any way: its path, or its bytes. Throws
   * ERR_BOX_LAYER_INVALID for what is no tar, ERR_BOX_FILE_UNREADABLE; the store is then as it was.
   */
  import(rootfs: string | AsyncIterable<Uint8Array>, options?: ImportOptions): Promise<StoredImage>;
  /** Makes a new image of one, with changes of its configuration. Throws as `append` does. */
  configure(reference: string, changes: ConfigChanges, options: ConfigureOptions): Promise<StoredImage>;
  /**
   * Writes an image of the store to a registry: where its name says, or to `destination`. Throws ERR_BOX_IMAGE_UNKNOWN and
   * ERR_BOX_REGISTRY_*; no tag is moved then.
   */
  push(reference: string, destination?: string, options?: TransferOptions): Promise<CopiedImage>;
  /**
   * Copies an image between any two of `docker://`, `docker-archive:`, `oci:`, `oci-archive:`, `dir:`, those of plugins, and
   * the store (a plain name). Blobs pass through, verified; those that are there are skipped. Throws what source and
   * destination throw; the destination is as it was then.
   */
  copy(source: string, destination: string, options?: TransferOptions): Promise<CopiedImage>;
  /** Writes images with their names as one archive, to a file or a stream: the same images make the same bytes. */
  save(references: readonly string[], options: SaveOptions): Promise<void>;
  /**
   * Brings every image of an archive into the store, under all its names: a path, or a file's bytes. Throws
   * ERR_BOX_ARCHIVE_INVALID, ERR_BOX_USAGE for an image without a name; no name is moved then.
   */
  load(from: string | AsyncIterable<Uint8Array>, options?: LoadOptions): Promise<readonly LoadedImage[]>;
  /**
   * Makes a new image of one, whose upper layers are one: what they hide of the lower ones stays hidden, and what they hide
   * of each other is gone. Owners, devices and xattrs are the layers' own, whoever calls.
   */
  squash(reference: string, options: SquashOptions): Promise<StoredImage>;
  /** The same with all layers: the new image has one, and no whiteouts. */
  flatten(reference: string, options: FlattenOptions): Promise<StoredImage>;
  /** Takes a name away; `prune` frees what no name needs. Throws ERR_BOX_IMAGE_UNKNOWN. */
  remove(reference: string): Promise<StoredImage>;
  /** Gives an image a further name. Throws ERR_BOX_IMAGE_UNKNOWN, ERR_BOX_REFERENCE_INVALID. */
  tag(reference: string, name: string): Promise<StoredImage>;
  /** Removes what no image, container or running process needs. Safe while others pull and run. */
  prune(options?: PruneOptions): Promise<PruneResult>;
  /** Verifies everything in the store again; with `repair` removes what is damaged, for a pull to bring back. */
  fsck(options?: FsckOptions): Promise<FsckResult>;
  /** Checks a user name and password with a registry, and keeps them where docker and podman find them too. */
  login(registry: string, options: LoginOptions): Promise<SavedLogin>;
  /** Forgets a registry's credentials; resolves to the places they were in. */
  logout(registry: string, options?: Cancellable): Promise<readonly string[]>;
  /** Probes everything. Throws nothing for what does not work: that is its answer. */
  doctor(options?: Cancellable): Promise<readonly Diagnosis[]>;
  /** Every event from now on, at most 4096 unread. Ends with the box, the signal, or the loop. */
  events(options?: Cancellable): AsyncIterableIterator<BoxEvent>;
}
