import { layerSummary, movedDirectories, parentPath, survey } from '@boxkit/layer-applier';
import type { BytePath, ImageTree } from '@boxkit/layer-applier';
import { pathWord } from './shell-bytes.ts';
import { commentLines } from './shell-words.ts';

/** Lines that give directories their own times again, where a layer without an entry for them changed what is in them, or implied them. */
export function directoryTimes(tree: ImageTree): string[] {
  const touched = new Set<BytePath>();
  for (const layer of tree.layers) {
    const { impliedDirectories, whiteouts } = layerSummary(layer);
    const moved = movedDirectories(tree, layer);
    for (const path of impliedDirectories) touched.add(parentPath(moved.settle(`${path}/x` as BytePath)));
    for (const path of whiteouts) touched.add(parentPath(moved.settle(path)));
  }
  const lines: string[] = [];
  for (const { path, entry, shown, met } of survey(tree)) {
    if (!shown || met !== undefined || entry.type !== 'directory') continue;
    // One that no layer has an entry for has the time of what implied it, and tar gives it that of its making.
    if (!touched.has(path) && !entry.implied) continue;
    const { seconds, nanoseconds } = entry.mtime;
    // busybox's touch knows no fractions.
    const time = nanoseconds === 0 ? `@${seconds}` : `@${seconds}.${String(nanoseconds).padStart(9, '0')}`;
    lines.push(`touch -d ${time} -- ${pathWord('$root', path)}`);
  }
  return lines.length === 0 ? [] : ['', ...commentLines('Directories get their own times back.'), ...lines];
}
