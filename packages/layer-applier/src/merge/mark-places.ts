import { parentPath, type BytePath } from '../byte-path.ts';
import type { StagedLayer } from '../staged-layer.ts';

/**
 * Directories that a layer implies for its marks alone, where nothing else is in them. One that is empty and is none of
 * these was made on the way along a symlink.
 */
export function markPlaces({
  whiteouts,
  opaques,
  impliedDirectories,
  deferredHardlinks,
}: Pick<StagedLayer, 'whiteouts' | 'opaques' | 'impliedDirectories' | 'deferredHardlinks'>): ReadonlySet<BytePath> {
  const places = new Set<BytePath>();
  for (const place of [...whiteouts.map(parentPath), ...opaques]) {
    for (let at = place; at !== '' && !places.has(at); at = parentPath(at)) places.add(at);
  }
  if (places.size === 0) return places;
  const others = impliedDirectories.filter((path) => !places.has(path));
  for (const path of [...others, ...deferredHardlinks.map((link) => link.path)]) {
    for (let at = parentPath(path); at !== ''; at = parentPath(at)) places.delete(at);
  }
  return places;
}
