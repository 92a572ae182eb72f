import {
  isolationFeatures,
  type IsolationCapabilities,
  type IsolationFeature,
  type Privilege,
} from '@boxkit/contracts';
import { cgroupObstacle } from '@boxkit/linux';

/** What cannot be enforced, and why. */
const exceptions: Readonly<Partial<Record<IsolationFeature, string>>> = {
  'setuid-programs': 'bwrap always sets no_new_privs',
  'network-private': 'no user-mode network is set up yet',
};

/** The table of this backend. */
export function bubblewrapCapabilities(_privilege: Privilege): IsolationCapabilities {
  const missing: typeof exceptions = { ...exceptions, ...limitObstacles() };
  const entries = isolationFeatures.map((feature) => [feature, missing[feature] ?? true] as const);
  return Object.fromEntries(entries) as Record<IsolationFeature, true | string>;
}

/** Limits depend on what is delegated to this user. */
function limitObstacles(): typeof exceptions {
  const [memory, cpu, pids] = [cgroupObstacle('memory'), cgroupObstacle('cpu'), cgroupObstacle('pids')];
  return {
    ...(memory === undefined ? {} : { 'memory-limit': memory }),
    ...(cpu === undefined ? {} : { 'cpu-limit': cpu }),
    ...(pids === undefined ? {} : { 'pids-limit': pids }),
  };
}
