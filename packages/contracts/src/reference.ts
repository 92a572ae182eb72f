import type { Branded } from './brand.ts';
import type { Digest } from './digest.ts';

/**
 * Where an image is, as a person writes it: `alpine`, `127.0.0.1:5000/debian:bookworm`, `oci:dir:tag`,
 * `host:sh,ls`. Parsed by the manifest package; `scheme` picks the source, `location` is the source's own.
 */
export type Reference = Branded<
  {
    readonly scheme: string;
    /** What follows the scheme, in its normal form: for a registry `host/path:tag@digest`. */
    readonly location: string;
    /** The same as one string, shortest that means the same: the name an image is kept under. */
    readonly text: string;
    /** Set when the reference pins the root document. */
    readonly digest?: Digest;
  },
  'Reference'
>;

/** The parts of a registry reference. Grammar: distribution/reference. */
export interface RegistryReference {
  /** `host[:port]`, `docker.io` when left out. */
  readonly registry: string;
  /** `library/` is added for docker.io. */
  readonly repository: string;
  /** `latest` when neither tag nor digest was given. */
  readonly tag?: string;
  readonly digest?: Digest;
}
