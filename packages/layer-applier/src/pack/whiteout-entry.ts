import { joinPath, type BytePath } from '../byte-path.ts';
import { plainEntry } from '../tar/plain-entry.ts';
import type { PackedEntry } from './packed-entry.ts';

/** What hides one name of the lower layers. OCI image-spec, layer.md "Whiteouts". */
export function whiteoutEntry(directory: BytePath, name: string): PackedEntry {
  return { ...plainEntry, type: 'file', path: joinPath(directory, `.wh.${name}`) };
}

/** What hides all that lower layers have in a directory. OCI image-spec, layer.md "Opaque Whiteout". */
export function opaqueEntry(directory: BytePath): PackedEntry {
  return { ...plainEntry, type: 'file', path: joinPath(directory, '.wh..wh..opq') };
}
