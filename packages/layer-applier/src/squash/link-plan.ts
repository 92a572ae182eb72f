import type { BytePath } from '../byte-path.ts';
import type { ImageTree } from '../queries/image-tree.ts';
import type { ChosenEntries } from './choose-entries.ts';
import type { LinkTarget } from './hard-links.ts';
import type { NumberList } from './number-list.ts';
import { plainLook } from './plain-look.ts';

/** How hardlinks are written once their layers are one. */
export interface LinkPlan {
  /** What a link is written as, by `placeKey`: a link to a path, or nothing, since it was written with the content. */
  readonly targets: ReadonlyMap<string, BytePath | 'written'>;
  /** By position: entries whose content is written under the name of a link, since their own is not shown. */
  readonly carried: ReadonlyMap<number, ReadonlyMap<number, BytePath>>;
}

/** Names an entry by its layer and place. */
export function placeKey(position: number, offset: number): string {
  return `${position}:${offset}`;
}

/**
 * A link leads to what it leads to under a name that the image shows: the entry's own, or else that of the first link,
 * which then has the content. A file of the layers below keeps its name as long as the image shows it.
 */
export function planLinks(tree: ImageTree, { shown, links }: ChosenEntries, from: number): LinkPlan {
  const targets = new Map<string, BytePath | 'written'>();
  const carried = new Map<number, Map<number, BytePath>>();
  const groups = Map.groupBy(links, ({ target }) => placeKey(target.position, target.offset));
  for (const group of groups.values()) {
    const ordered = group.toSorted((a, b) => a.position - b.position);
    const [first] = ordered;
    if (first === undefined) continue;
    const { target } = first;
    const own = nameOf(tree, target, shown, from);
    if (own === undefined) {
      // What no index has is written where the first link stands, with that one's header.
      const at = target.offset < 0 ? first.offset : target.offset;
      const layer = carried.get(target.position) ?? new Map<number, BytePath>();
      carried.set(target.position, layer.set(at, first.path));
    }
    const name = own ?? first.path;
    for (const { position, offset, path } of ordered) {
      targets.set(placeKey(position, offset), path === name ? 'written' : name);
    }
  }
  return { carried, targets };
}

/** The name that the image shows of a link's target; undefined when it shows none. */
function nameOf(
  tree: ImageTree,
  { position, offset, path, via }: LinkTarget,
  shown: ReadonlyMap<number, NumberList>,
  from: number,
): BytePath | undefined {
  if (position >= from) return shown.get(position)?.has(offset) === true ? path : undefined;
  if (via === undefined) return undefined;
  const now = plainLook(tree.view, via.path);
  return now !== undefined && now.kind !== 'directory' && now.path === via.place ? via.path : undefined;
}
