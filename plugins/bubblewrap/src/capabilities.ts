import {
  isolationFeatures,
  type IsolationCapabilities,
  type IsolationFeature,
  type Privilege,
} from '@boxkit/contracts';
import { cgroupObstacle, networkObstacle } from '@boxkit/linux';

/** What cannot be enforced, and why. */
const exceptions: Readonly<Partial<Record<IsolationFeature, string>>> = {
  'setuid-programs': 'bwrap always sets no_new_privs',
};

/** The table of this backend. */
export function bubblewrapCapabilities(_privilege: Privilege): IsolationCapabilities {
  const missing: typeof exceptions = { ...exceptions, ...machineObstacles() };
  const entries = isolationFeatures.map((feature) => [feature, missing[feature] ?? true] as const);
  return Object.fromEntries(entries) as Record<IsolationFeature, true | string>;
}

/** Limits depend on what is delegated to this user, a private network on a tool. */
function machineObstacles(): typeof exceptions {
  const network = networkObstacle()?.reason;
  const [memory, cpu, pids] = [cgroupObstacle('memory'), cgroupObstacle('cpu'), cgroupObstacle('pids')];
  return {
    ...(network === undefined ? {} : { 'network-private': network }),
    ...(memory === undefined ? {} : { 'memory-limit': memory }),
    ...(cpu === undefined ? {} : { 'cpu-limit': cpu }),
    ...(pids === undefined ? {} : { 'pids-limit': pids }),
  };
}
