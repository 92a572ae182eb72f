import type { IsolationFeature, Rootfs, RunOptions } from '@boxkit/contracts';
import { networkMode } from './network.ts';

/** What the caller's options need a backend to enforce. */
export function requiredFeatures(rootfs: Rootfs, options: RunOptions): readonly IsolationFeature[] {
  const { limits = {}, mounts = [], devices = [] } = options;
  const needs: readonly (readonly [boolean, IsolationFeature])[] = [
    [rootfs.kind === 'overlay', 'overlay-rootfs'],
    [options.readOnly === true, 'read-only-rootfs'],
    [mounts.some(({ type }) => type === 'bind') || devices.length > 0, 'bind-mounts'],
    [mounts.some(({ type }) => type === 'tmpfs'), 'tmpfs-mounts'],
    [options.hostname !== undefined, 'uts-namespace'],
    [networkMode(options) === 'none', 'network-none'],
    [networkMode(options) === 'private', 'network-private'],
    [options.user !== undefined, 'user-switch'],
    [(options.capDrop?.length ?? 0) > 0, 'capability-drop'],
    [options.noNewPrivileges === true, 'no-new-privileges'],
    [options.noNewPrivileges === false, 'setuid-programs'],
    [options.seccomp !== undefined && options.seccomp !== 'unconfined', 'seccomp'],
    [options.terminal === true, 'terminal'],
    [options.init === true, 'init'],
    [limits.memory !== undefined, 'memory-limit'],
    [limits.cpus !== undefined, 'cpu-limit'],
    [limits.pids !== undefined, 'pids-limit'],
    [(limits.ulimits?.length ?? 0) > 0, 'ulimits'],
  ];
  return needs.filter(([needed]) => needed).map(([, feature]) => feature);
}
