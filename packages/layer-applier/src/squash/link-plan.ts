import type { BytePath } from '../byte-path.ts';
import type { IndexedImage } from '../indexed/indexed-image.ts';
import { corrupt } from '../layer-index/read-index.ts';
import type { ChosenEntries, ShownLink } from './choose-entries.ts';

/** How hardlinks are written once their layers are one. */
export interface LinkPlan {
  /** What a link is written as, by `placeKey`; `written` when it was, with the content. */
  readonly targets: ReadonlyMap<string, { readonly path: BytePath; readonly link: BytePath } | 'written'>;
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
export function planLinks(image: IndexedImage, { links }: ChosenEntries, from: number): LinkPlan {
  const targets = new Map<string, { path: BytePath; link: BytePath } | 'written'>();
  const carried = new Map<number, Map<number, BytePath>>();
  for (const [content, group] of Map.groupBy(links, ({ node }) => image.contentOf(node))) {
    const ordered = group.toSorted((a, b) => a.position - b.position);
    const [first] = ordered;
    const source = image.entryOf(content);
    if (first === undefined || source === undefined) continue;
    if (source.entry.type === 'hardlink') throw corrupt(source.layer.index, 'a hardlink in it leads to nothing');
    const own = nameOf(image, ordered, from);
    if (own === undefined) {
      const { position } = source.layer;
      const layer = carried.get(position) ?? new Map<number, BytePath>();
      carried.set(position, layer.set(source.entry.offset, first.path));
    }
    const name = own ?? first.path;
    for (const { position, offset, path } of ordered) {
      targets.set(placeKey(position, offset), path === name ? 'written' : { path, link: name });
    }
  }
  return { carried, targets };
}

/** A name that the image shows of what links lead to, other than those of the links; undefined when it shows none. */
function nameOf(image: IndexedImage, links: readonly ShownLink[], from: number): BytePath | undefined {
  for (const { node } of links) {
    for (let target = image.targetOfLink(node); target >= 0; target = image.targetOfLink(target)) {
      const found = image.entryOf(target);
      // A further link of these layers is written as one itself.
      if (found?.shown !== true || (found.entry.type === 'hardlink' && found.layer.position >= from)) continue;
      return image.pathOf(target);
    }
  }
  return undefined;
}
