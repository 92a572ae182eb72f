import type { Bundle } from './bundle.ts';
import type { LaunchPlan } from './launch-plan.ts';
import type { Probe } from './rootfs.ts';

/**
 * An isolation backend: turns a bundle into a plan. It returns data and starts nothing, so a plan can be
 * tested without privilege, printed, and run by hand.
 */
export interface Isolator {
  readonly name: string;
  /** What it can enforce for a caller of the given privilege. A table, not a promise: `probe` says whether it works here. */
  capabilities(privilege: Privilege): IsolationCapabilities;
  /** Whether it works on this machine for this user, or why not and what to do. Must be quick (under 50 ms) and leave nothing. */
  probe(): Promise<Probe>;
  /** Throws ERR_BOX_NOT_ENFORCEABLE for what the bundle asks and this backend cannot do; never leaves it out silently. */
  plan(bundle: Bundle): Promise<LaunchPlan>;
}

export type Privilege = 'root' | 'user';

/** The things a bundle can ask for. `filesystem`: no way out of the rootfs; `setuid-programs`: a bundle without noNewPrivileges. */
export const isolationFeatures = [
  'filesystem',
  'overlay-rootfs',
  'read-only-rootfs',
  'bind-mounts',
  'tmpfs-mounts',
  'pid-namespace',
  'ipc-namespace',
  'uts-namespace',
  'cgroup-namespace',
  'network-none',
  'network-private',
  'user-switch',
  'capability-drop',
  'no-new-privileges',
  'setuid-programs',
  'seccomp',
  'terminal',
  'init',
  'memory-limit',
  'cpu-limit',
  'pids-limit',
  'ulimits',
] as const;

export type IsolationFeature = (typeof isolationFeatures)[number];

/** For each feature `true`, or the reason why this backend cannot enforce it. */
export type IsolationCapabilities = Readonly<Record<IsolationFeature, true | string>>;
