import type {
  Image,
  ImageBudgets,
  IsolationCapabilities,
  Platform,
  Probe,
  RunOptions,
  StoredImage,
} from '@boxkit/contracts';

/** Options of everything that may take long. */
export interface Cancellable {
  readonly signal?: AbortSignal;
}

export interface FsckOptions extends Cancellable {
  /** Remove what is damaged; else only say so. */
  readonly repair?: boolean;
  /**
   * Compare the contents of extracted layers with their blobs, as far as those are there: takes the time and the room of an
   * extraction of each. Else only what the layer's index has: types, modes, owners, times, sizes, links.
   */
  readonly deep?: boolean;
}

/** When to ask the source: `missing` only when the store has no such image, `never` not even then. */
export type PullPolicy = 'always' | 'missing' | 'never';

export interface PullOptions extends Cancellable {
  /** `linux/arm64/v8`, or the same in parts; default: this machine's. */
  readonly platform?: Platform | string;
  /** Blobs fetched at the same time. */
  readonly concurrency?: number;
}

export interface PullAndKeepOptions extends PullOptions {
  /** Write the image there too: `docker-archive:DIR/`, `docker-archive:FILE`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `dir:DIR`. */
  readonly to?: string;
  /** Also read through each layer that has come, and keep the index of its entries: the first question is answered at once. Default false. */
  readonly index?: boolean;
}

export interface LoginOptions extends Cancellable {
  readonly username: string;
  readonly password: string;
}

export interface SavedLogin {
  readonly registry: string;
  /** The file, or the helper's program, that keeps it. */
  readonly place: string;
  /** Whether it lies there in clear, as docker and podman keep it without a helper. */
  readonly plain: boolean;
}

/** What goes besides what nothing needs: with `all` the names of images without containers too. `dryRun` only tells. */
export interface PruneOptions extends Cancellable {
  readonly all?: boolean;
  readonly dryRun?: boolean;
}

/** What an image may cost and must keep, where its layers are applied. */
export interface ApplyLimits {
  /** Over those of the configuration. */
  readonly budgets?: ImageBudgets;
  /** What the tree cannot hold (xattrs, devices without root) is an error instead of a warning. */
  readonly strict?: boolean;
}

export interface UnpackOptions extends PullOptions, ApplyLimits {
  /** Default: `missing` for registries and `host:`, `always` for files and directories. */
  readonly pull?: PullPolicy;
}

/** Of everything that makes an image. */
export interface MakeOptions extends UnpackOptions {
  /**
   * What the new image is called in the store; or, with a scheme, where it goes instead: `docker://HOST/NAME:TAG`,
   * `docker-archive:DIR/`, `docker-archive:FILE`, `oci:DIR:TAG`, `oci-archive:FILE`, `dir:DIR`.
   */
  readonly tag: string;
  /** What the history says that made it; default: box's command. */
  readonly createdBy?: string;
  /** A remark in the history. */
  readonly comment?: string;
}

export interface AppendOptions extends MakeOptions {
  /** `keep` (default) takes each layer as it comes, plain or compressed; else it is compressed anew. */
  readonly compression?: 'keep' | 'none' | 'gzip' | 'zstd';
  /** gzip: 0 to 9, zstd: 1 to 22. */
  readonly level?: number;
}

export interface FlattenOptions extends MakeOptions {
  /** Of the one layer; default gzip. */
  readonly compression?: 'none' | 'gzip' | 'zstd';
  /** gzip: 0 to 9, zstd: 1 to 22. */
  readonly level?: number;
}

/** Which layers become one: those above an image that this one was made of, or the last few. */
export interface SquashOptions extends FlattenOptions {
  /** Its layers stay as they are. */
  readonly base?: string;
  readonly last?: number;
}

export interface ConfigureOptions extends MakeOptions {
  /** When the image says that it was made; default: SOURCE_DATE_EPOCH, else now. */
  readonly created?: Date;
}

/** `inherit` gives the container this process's own, `pipe` a stream, `ignore` /dev/null. */
export type Stdio = 'inherit' | 'pipe' | 'ignore';

/** What a container is asked, and how its streams are connected. */
export interface ProcessOptions extends RunOptions {
  /** Default `pipe` for all three. */
  readonly stdin?: Stdio;
  readonly stdout?: Stdio;
  readonly stderr?: Stdio;
  /** Whether the container goes when it is disposed of (default), or stays in the list with its files. */
  readonly remove?: boolean;
  /** The caller's own words on the container, kept in its record. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface BoxRunOptions extends ProcessOptions, UnpackOptions {
  /** A rootfs driver by name; default: the first that works here. */
  readonly rootfsDriver?: string;
}

export interface PlanOptions extends RunOptions, UnpackOptions {
  /** As for `run`. */
  readonly rootfsDriver?: string;
}

export interface DirectoryRunOptions extends ProcessOptions, Cancellable {}

/** What a backend, a driver or a source can do here. */
export interface Diagnosis {
  readonly kind: 'isolator' | 'rootfs-driver' | 'source' | 'tool';
  readonly name: string;
  readonly probe: Probe;
  readonly description?: string;
  /** Of an isolator: what it enforces for this user. */
  readonly capabilities?: IsolationCapabilities;
}

export interface Inspection {
  readonly stored: StoredImage;
  readonly image: Image;
}
