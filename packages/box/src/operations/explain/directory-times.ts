import { parentPath, readStagedLayer } from '@boxkit/layer-applier';
import type { BytePath, IndexedImage } from '@boxkit/layer-applier';
import { pathWord } from './shell-bytes.ts';
import { commentLines } from './shell-words.ts';

/** Lines that give directories their own times again, where a layer without an entry for them changed what is in them, or implied them. */
export function directoryTimes(image: IndexedImage): string[] {
  const touched = new Set<BytePath>();
  for (const layer of image.layers) {
    const { impliedDirectories } = readStagedLayer(layer.layer, layer.directory);
    for (const path of impliedDirectories) touched.add(parentPath(image.settle(layer, `${path}/x` as BytePath)));
    for (const path of image.hiddenBy(layer).removed) touched.add(parentPath(path));
  }
  const lines: string[] = [];
  for (const { path, entry } of image.shown()) {
    if (entry.type !== 'directory') continue;
    // One that no layer has an entry for has the time of what implied it, and tar gives it that of its making.
    if (!touched.has(path) && !entry.implied) continue;
    const { seconds, nanoseconds } = entry.mtime;
    // busybox's touch knows no fractions.
    const time = nanoseconds === 0 ? `@${seconds}` : `@${seconds}.${String(nanoseconds).padStart(9, '0')}`;
    lines.push(`touch -d ${time} -- ${pathWord('$root', path)}`);
  }
  return lines.length === 0 ? [] : ['', ...commentLines('Directories get their own times back.'), ...lines];
}
