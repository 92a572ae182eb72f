import {
  isolationFeatures,
  type IsolationCapabilities,
  type IsolationFeature,
  type Privilege,
} from '@boxkit/contracts';
import { machineObstacles } from '@boxkit/linux';

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
