import type { PublishedPort } from '@boxkit/contracts';
import type { ContainerRecord } from '@boxkit/store';
import type { DetachOptions } from './types.ts';

/** What box itself keeps in a container's record, beside what the store does. JSON. */
export interface ContainerDetails {
  /** The image's name, or `directory:` and a path. */
  readonly reference: string;
  readonly command: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly isolator: string;
  /** Directories of the cgroup file system that are the container's own. */
  readonly cgroups: readonly string[];
  /** `timeout` in milliseconds. */
  readonly stop: { readonly signal: NodeJS.Signals | number; readonly timeout: number };
  readonly terminal: boolean;
  /** Those that were published, as they are. */
  readonly ports?: readonly PublishedPort[];
  /** What its supervisor was told beside the plan, for a start after its end. */
  readonly supervision?: Pick<DetachOptions, 'restart' | 'timeout' | 'interactive' | 'logLimit'>;
  /** Where the backend makes no PID namespace: the directory that is the root of all its processes. */
  readonly root?: string;
  /** Whether a supervisor of its own holds it. */
  readonly detached: boolean;
  /** How often it was started again. */
  readonly restarts?: number;
}

/** What a container without (all of) its details has: one that was killed before it started. */
const nothing: ContainerDetails = {
  reference: '',
  command: [],
  labels: {},
  isolator: '',
  cgroups: [],
  stop: { signal: 'SIGTERM', timeout: 10_000 },
  terminal: false,
  detached: false,
};

export function detailsOf(record: ContainerRecord): ContainerDetails {
  return { ...nothing, ...(record.details as Partial<ContainerDetails> | undefined) };
}
