import {
  isolationFeatures,
  type IsolationCapabilities,
  type IsolationFeature,
  type Privilege,
} from '@boxkit/contracts';

/** What cannot be enforced, and why. */
const exceptions: Readonly<Partial<Record<IsolationFeature, string>>> = {
  'setuid-programs': 'bwrap always sets no_new_privs',
  'network-private': 'no user-mode network is set up yet',
};

const userExceptions: Readonly<Partial<Record<IsolationFeature, string>>> = {
  'memory-limit': 'an ordinary user needs a delegated cgroup',
  'cpu-limit': 'an ordinary user needs a delegated cgroup',
  'pids-limit': 'an ordinary user needs a delegated cgroup',
};

/** The table of this backend. */
export function bubblewrapCapabilities(privilege: Privilege): IsolationCapabilities {
  const missing = privilege === 'user' ? { ...exceptions, ...userExceptions } : exceptions;
  const entries = isolationFeatures.map((feature) => [feature, missing[feature] ?? true] as const);
  return Object.fromEntries(entries) as Record<IsolationFeature, true | string>;
}
