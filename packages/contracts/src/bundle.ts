import type { UserModeNetwork } from './network.ts';
import type { Rootfs } from './rootfs.ts';

/** A rootfs, a process and the limits it is to live in: all an isolator needs. Plain data. After the OCI runtime-spec's bundle. */
export interface Bundle {
  readonly containerId: string;
  /** A directory of this container's alone, for what a backend must put on disk. */
  readonly directory: string;
  readonly rootfs: Rootfs;
  readonly readOnlyRootfs: boolean;
  readonly process: ContainerProcess;
  /** What the process was made of, for an image that is made of the container; undefined for a bundle of another maker's. */
  readonly config?: EffectiveConfig;
  readonly hostname: string;
  readonly network: NetworkMode;
  /** For `private`: what connects it. */
  readonly userModeNetwork?: UserModeNetwork;
  readonly mounts: readonly Mount[];
  readonly capabilities: readonly LinuxCapability[];
  readonly noNewPrivileges: boolean;
  /** A classic-BPF program, or undefined for none. */
  readonly seccomp?: Uint8Array;
  readonly limits: ResourceLimits;
  /** Put an init before the process that reaps and forwards signals. */
  readonly init: boolean;
  /** Lines for the container's own /etc/hosts and /etc/resolv.conf; undefined leaves the image's. */
  readonly hosts?: string;
  readonly resolvConf?: string;
}

export interface ContainerProcess {
  readonly argv: readonly [string, ...string[]];
  /** The whole environment; nothing of the caller's is added. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute, inside the rootfs; made when missing. */
  readonly cwd: string;
  readonly user: ContainerUser;
  readonly terminal: boolean;
}

/** An image's config with the caller's options: what an image of the container says. OCI image-spec, config.md. */
export interface EffectiveConfig {
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Env: readonly string[];
  /** Empty for the image's default: root. */
  readonly User: string;
  readonly WorkingDir: string;
  readonly StopSignal: string;
}

/** Resolved ids, never names. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  /** The supplementary groups, `gid` among them. */
  readonly additionalGids: readonly number[];
  readonly home: string;
}

export type NetworkMode = 'none' | 'host' | 'private';

/** A mount inside the container; `target` is resolved inside the rootfs. */
export interface Mount {
  readonly type: 'bind' | 'tmpfs';
  /** For a bind: an absolute path on the host. */
  readonly source?: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** For a bind: device nodes mean something there. */
  readonly devices?: boolean;
  /** For a tmpfs: `size=64m,mode=1777,exec`; `noexec` unless it says otherwise. For a bind: `nosuid`, `noexec`. */
  readonly options?: readonly string[];
}

/** As capabilities(7) spells them: `CAP_CHOWN`. */
export type LinuxCapability = `CAP_${string}`;

/** What is undefined is unlimited. */
export interface ResourceLimits {
  /** Bytes. */
  readonly memory?: number;
  /** Processors, 1.5 for one and a half. */
  readonly cpus?: number;
  readonly pids?: number;
  /** Bytes of /dev/shm. */
  readonly shmSize?: number;
  readonly ulimits?: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
}
