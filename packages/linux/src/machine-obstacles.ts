import type { IsolationFeature } from '@boxkit/contracts';
import { cgroupObstacles } from './cgroup/cgroup.ts';
import { networkObstacle } from './user-network/index.ts';

/**
 * What no backend can enforce here, and why: limits need cgroups that are delegated to this user, a private network a
 * tool. For an isolator's `capabilities`.
 */
export function machineObstacles(): Readonly<Partial<Record<IsolationFeature, string>>> {
  const network = networkObstacle()?.reason;
  const { memory, cpu, pids } = cgroupObstacles();
  return {
    ...(network === undefined ? {} : { 'network-private': network }),
    ...(memory === undefined ? {} : { 'memory-limit': memory }),
    ...(cpu === undefined ? {} : { 'cpu-limit': cpu }),
    ...(pids === undefined ? {} : { 'pids-limit': pids }),
  };
}
