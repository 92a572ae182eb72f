import { pathText } from '@boxkit/layer-applier';
import type { IndexedImage } from '@boxkit/layer-applier';
import { requirePath } from './entries.ts';
import type { PathUsage } from './image-look.ts';

/** Bytes of file content below a path and below each of its directories down to a depth, the largest first. */
export function usageBelow(image: IndexedImage, text: string, depth: number): readonly PathUsage[] {
  const { path: root } = requirePath(image, text);
  const inside = root === '' ? '' : `${root}/`;
  const sums = new Map<string, { size: number; entries: number }>();
  const add = (path: string, size: number): void => {
    const sum = sums.get(path);
    if (sum === undefined) sums.set(path, { size, entries: 1 });
    else {
      sum.size += size;
      sum.entries += 1;
    }
  };
  for (const { path, entry } of image.shown()) {
    if (path !== root && !path.startsWith(inside)) continue;
    add(root, entry.size);
    if (path === root) continue;
    for (let slash = path.indexOf('/', inside.length), level = 1; level <= depth; level += 1) {
      if (slash < 0) {
        if (entry.type === 'directory' || level === 1) add(path, entry.size);
        break;
      }
      add(path.slice(0, slash), entry.size);
      slash = path.indexOf('/', slash + 1);
    }
  }
  return [...sums]
    .map(([path, sum]) => ({ path: `/${pathText(path as typeof root)}`, ...sum }))
    .toSorted((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1));
}
