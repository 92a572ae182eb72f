import { joinPath, type BytePath } from '../byte-path.ts';
import type { PackedEntry } from './packed-entry.ts';

const plain = {
  type: 'file',
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

/** What hides one name of the lower layers. OCI image-spec, layer.md "Whiteouts". */
export function whiteoutEntry(directory: BytePath, name: string): PackedEntry {
  return { ...plain, path: joinPath(directory, `.wh.${name}`) };
}

/** What hides all that lower layers have in a directory. OCI image-spec, layer.md "Opaque Whiteout". */
export function opaqueEntry(directory: BytePath): PackedEntry {
  return { ...plain, path: joinPath(directory, '.wh..wh..opq') };
}
