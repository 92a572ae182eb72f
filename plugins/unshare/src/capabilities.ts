import {
  isolationFeatures,
  type IsolationCapabilities,
  type IsolationFeature,
  type Privilege,
} from '@boxkit/contracts';
import { machineObstacles } from '@boxkit/linux';

/** The table of this backend. */
export function unshareCapabilities(_privilege: Privilege): IsolationCapabilities {
  const missing = machineObstacles();
  const entries = isolationFeatures.map((feature) => [feature, missing[feature] ?? true] as const);
  return Object.fromEntries(entries) as Record<IsolationFeature, true | string>;
}
