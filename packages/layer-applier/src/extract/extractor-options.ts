import type { Ownership, WhiteoutForm } from '../staged-layer.ts';

/** How one layer is to be extracted; see ExtractOptions. */
export interface ExtractorOptions {
  readonly directory: string;
  readonly ownership: Ownership;
  readonly privileged: boolean;
  readonly whiteouts: WhiteoutForm;
  readonly contentDigests: boolean;
  /** What the tree cannot hold is an error, not a warning. */
  readonly strict: boolean;
  /** The umask of this thread is 0. */
  readonly exactModes: boolean;
  /** Called for every entry; throws to stop. */
  readonly onEntry: () => void;
}
