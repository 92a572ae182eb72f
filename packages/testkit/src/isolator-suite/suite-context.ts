import type { Isolator } from '@boxkit/contracts';
import type { Harness } from './harness.ts';

/** What a test asks about the backend under test. */
export interface SuiteContext {
  readonly harness: Harness;
  readonly isolator: Isolator;
  readonly privilege: 'root' | 'user';
  /** Whether the backend's table says that it enforces the feature for this user. */
  readonly can: (feature: keyof ReturnType<Isolator['capabilities']>) => boolean;
}
