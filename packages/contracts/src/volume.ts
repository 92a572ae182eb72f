/** A directory for a container that is no part of its rootfs, seeded from what the image has at that path. */
export interface VolumeRequest {
  /** Of a volume that outlives its containers and is made when missing; without it the volume lives as long as the container. */
  readonly name?: string;
  /** Absolute inside the container. */
  readonly target: string;
  readonly readOnly: boolean;
  /** Leave a new volume empty, whatever the image has at `target`. */
  readonly noCopy?: boolean;
  /** `nosuid`, `noexec`. */
  readonly options?: readonly string[];
}

/** A volume with a name. */
export interface Volume {
  readonly name: string;
  /** ISO 8601. */
  readonly created: string;
  /** Absolute path of its files. */
  readonly path: string;
  /** The containerIds of those that use it, running or not. */
  readonly users: readonly string[];
}

/** Directories by name, below the store's home. */
export interface VolumeTable {
  /** Makes an empty one; false when there is one of that name. Throws ERR_BOX_NAME_INVALID. */
  create(name: string): Promise<boolean>;
  get(name: string): Promise<Volume | undefined>;
  /** By name. */
  list(): Promise<readonly Volume[]>;
  /**
   * Claims a volume for a container for as long as that exists; made when missing. Resolves to the path of its files.
   * The first use fills it by `seed`, which gets the path of a directory to make; a seed that fails, or a process that
   * is killed meanwhile, leaves the volume empty for the next.
   */
  use(name: string, options: VolumeUse): Promise<string>;
  /** False when there is none. Throws ERR_BOX_VOLUME_IN_USE. */
  remove(name: string): Promise<boolean>;
}

export interface VolumeUse {
  readonly containerId: string;
  readonly seed?: (directory: string) => Promise<void>;
  readonly signal?: AbortSignal;
}
