import type { PublishedPort } from './network.ts';
import type { Mount, NetworkMode, ResourceLimits } from './bundle.ts';
import type { VolumeRequest } from './volume.ts';

/** What a caller may ask of a container; every field overrides the image's config. Names follow docker's. */
export interface RunOptions {
  /** Replace the image's Cmd. */
  readonly args?: readonly string[];
  /** Replaces the image's Entrypoint and drops its Cmd. An empty list clears it. */
  readonly entrypoint?: readonly string[];
  /** Merged over the image's Env by key. */
  readonly env?: Readonly<Record<string, string>>;
  /** `user`, `uid`, `user:group`, `uid:gid` or a mixture. */
  readonly user?: string;
  /** Absolute path inside the container; made when missing. */
  readonly workdir?: string;
  /** Defaults to the containerId's first 12 characters. */
  readonly hostname?: string;
  /** A backend by name, or `auto` (the strongest that can do what is asked; never chroot). */
  readonly isolation?: string;
  readonly name?: string;
  readonly terminal?: boolean;
  readonly readOnly?: boolean;
  readonly mounts?: readonly Mount[];
  /** Default `host`; `private` when ports are published. */
  /** Beside them, the volumes that the image declares get one each that goes with the container. */
  readonly volumes?: readonly VolumeRequest[];
  /** Device nodes of the host's. */
  readonly devices?: readonly DeviceRequest[];
  readonly network?: NetworkMode;
  /** Ports of the host's that lead into the container, which has a `private` network then. */
  readonly publish?: readonly PublishedPort[];
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly noNewPrivileges?: boolean;
  /** Path of a docker-format profile, `unconfined`, or undefined for the default. */
  readonly seccomp?: string;
  readonly limits?: ResourceLimits;
  readonly init?: boolean;
  readonly stopSignal?: string;
  /** Milliseconds from the stop signal to SIGKILL; default 10 000. */
  readonly stopTimeout?: number;
  readonly addHosts?: readonly { readonly host: string; readonly address: string }[];
  readonly dns?: readonly string[];
}

/** A device node of the host's, or a directory of them, that a container may use as the node's own mode says. */
export interface DeviceRequest {
  /** Absolute path on the host. */
  readonly source: string;
  /** Absolute path inside; `source` when absent. */
  readonly target?: string;
}
