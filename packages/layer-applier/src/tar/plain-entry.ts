import type { BytePath } from '../byte-path.ts';

/** What stands in an entry of which nothing is said: it is root's, as old as time itself, and there is nothing in it. */
export const plainEntry = {
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  link: '' as BytePath,
  major: 0,
  minor: 0,
  xattrs: undefined,
} as const;
