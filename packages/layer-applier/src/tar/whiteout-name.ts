import { invalid } from '../extract/layer-error.ts';
import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';

/** What a name of the `.wh.` kind asks for. OCI image-spec, layer.md "Whiteouts". */
export type WhiteoutName =
  | { readonly kind: 'whiteout'; readonly path: BytePath }
  | { readonly kind: 'opaque'; readonly path: BytePath }
  /** AUFS's own files: skipped. */
  | { readonly kind: 'aufs' }
  /** A source of hardlinks that AUFS keeps aside: not part of the tree, but entries of it may link here. */
  | { readonly kind: 'aufs-link'; readonly name: string };

const prefix = '.wh.';
const auxiliary = '.wh..wh.';
const links = '.wh..wh.plnk/';

/**
 * Undefined for an ordinary path. The entry's type is of no account. Throws ERR_BOX_LAYER_INVALID for a whiteout that
 * names nothing, and for entries below a whiteout, which no tree can hold.
 */
export function parseWhiteout(path: BytePath): WhiteoutName | undefined {
  if (!path.includes(prefix)) return undefined;
  const name = baseName(path);
  const parent = parentPath(path);
  const above = `/${parent}`;
  const aufs = above.indexOf(`/${auxiliary}`);
  if (aufs !== -1) {
    return path.startsWith(links, aufs) ? { kind: 'aufs-link', name: path } : { kind: 'aufs' };
  }
  if (above.includes(`/${prefix}`)) throw invalid('it lies below a whiteout');
  if (!name.startsWith(prefix)) return undefined;
  if (name === '.wh..wh..opq') return { kind: 'opaque', path: parent };
  if (name.startsWith(auxiliary)) return { kind: 'aufs' };
  const hidden = name.slice(prefix.length);
  if (hidden === '' || hidden === '.' || hidden === '..') throw invalid('it is a whiteout that names nothing');
  return { kind: 'whiteout', path: joinPath(parent, hidden) };
}
