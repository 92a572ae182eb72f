/** Keys to values; null takes the key away. */
export type MapChanges = Readonly<Record<string, string | null>>;

/** Keys to whether they are to be there. */
export type SetChanges = Readonly<Record<string, boolean>>;

/** How to see whether a container is well. Docker's image specification 1.2, "Healthcheck". */
export interface Healthcheck {
  /** `['CMD', ...argv]`, `['CMD-SHELL', command]`, or `['NONE']`. */
  readonly test: readonly string[];
  /** Milliseconds. */
  readonly interval?: number;
  readonly timeout?: number;
  readonly startPeriod?: number;
  readonly retries?: number;
}

/** The parts of a configuration that can be emptied before anything is put in. */
export const clearable = ['env', 'labels', 'annotations', 'ports', 'volumes'] as const;

/** What to change in an image's configuration. What is not named stays as it is; null takes a field away. */
export interface ConfigChanges {
  /** Emptied first. */
  readonly clear?: readonly (typeof clearable)[number][];
  readonly env?: MapChanges;
  readonly labels?: MapChanges;
  /** Of the manifest. A manifest of Docker's knows none, so it is rewritten as OCI's. */
  readonly annotations?: MapChanges;
  /** `80/tcp`. */
  readonly ports?: SetChanges;
  readonly volumes?: SetChanges;
  /** A new entrypoint also takes the old command away, as docker has it, unless `cmd` is given too. */
  readonly entrypoint?: readonly string[] | null;
  readonly cmd?: readonly string[] | null;
  readonly user?: string | null;
  readonly workingDir?: string | null;
  readonly stopSignal?: string | null;
  readonly healthcheck?: Healthcheck | null;
  readonly author?: string | null;
}
