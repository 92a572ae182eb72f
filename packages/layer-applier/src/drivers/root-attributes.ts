/** What an image's root directory is to have, as numbers on the disk. */
export interface RootAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970. */
  readonly mtime: string;
  /** Names to values in base64; left out when there are none. */
  readonly xattrs?: Readonly<Record<string, string>>;
}
