import type { UserModeNetwork } from './network.ts';
import type { SystemCall } from './system-call.ts';

/**
 * How to start one container, as data: the host program to execute and everything that it inherits. What is
 * not named here does not reach the container: no descriptor, no environment variable.
 */
export interface LaunchPlan {
  readonly isolator: string;
  readonly containerId: string;
  /** The host program and its arguments; the first is an absolute path. */
  readonly argv: readonly [string, ...string[]];
  /** The environment of the host program, not of the container. */
  readonly env: Readonly<Record<string, string>>;
  /** Descriptors beyond 0, 1 and 2, in ascending order from 3 without gaps. */
  readonly descriptors: readonly PlanDescriptor[];
  /** How the start and the end of the container's process are told. */
  readonly report: ReportProtocol;
  /** Whether the process wants a terminal: the launcher makes one and gives it as 0, 1 and 2. */
  readonly terminal: boolean;
  /** How to end everything: `namespace` when killing the first process ends all; `descendants` when they must be found. */
  readonly tree: 'namespace' | 'descendants';
  /** Absolute path of the rootfs on the host, where the backend leaves it visible to `tree: 'descendants'`. */
  readonly root?: string;
  /** Directories of the cgroup file system that the plan makes, for the launcher to remove at the end. */
  readonly cgroups?: readonly string[];
  /** What the launcher connects the container's network namespace with, before the command starts. */
  readonly network?: UserModeNetwork;
  /** For messages when the command cannot be executed: what was asked for. */
  readonly command: readonly string[];
  /** What a person should know before relying on this: `chroot is no security boundary`. */
  readonly warnings: readonly string[];
}

/** What one inherited descriptor is. */
export type PlanDescriptor =
  /** A pipe with these bytes in it, then its end. */
  | { readonly fd: number; readonly purpose: string; readonly kind: 'bytes'; readonly base64: string }
  /** A pipe with an encoded list of system calls for the stub (packages/linux). */
  | {
      readonly fd: number;
      readonly purpose: string;
      readonly kind: 'system-calls';
      readonly calls: readonly SystemCall[];
    }
  /** A file or directory opened read-only (`directory` opens it with O_PATH semantics of O_DIRECTORY). */
  | { readonly fd: number; readonly purpose: string; readonly kind: 'file'; readonly path: string }
  /** The exec stub of packages/linux, an executable file. */
  | { readonly fd: number; readonly purpose: string; readonly kind: 'stub' }
  /** A socket that the launcher reads `report` from, and answers on where the stub waits for it. */
  | { readonly fd: number; readonly purpose: string; readonly kind: 'report' };

/**
 * The channel of its own over which a launcher learns what happened, so that exit statuses are never guessed:
 * - `stub`: 16-byte records of the exec stub (packages/linux): that everything is set up and the command is next, or
 *   which system call failed, with which errno. No failure by the end of the process means that the command ran.
 * - `none`: the host program's exit status is the container's.
 */
export type ReportProtocol = 'stub' | 'none';
