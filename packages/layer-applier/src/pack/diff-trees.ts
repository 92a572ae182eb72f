import type { BytePath } from '../byte-path.ts';
import type { FoundDirectory } from './find-entry.ts';
import { Hardlinks } from './hardlinks.ts';
import { inTree } from './in-tree.ts';
import { LinkGroups } from './link-groups.ts';
import { datedEntry, type PackedEntry } from './packed-entry.ts';
import { TreeDiff } from './tree-diff.ts';
import { writeTar } from './write-tar.ts';

export interface DiffTreesOptions {
  /** Seconds since 1970: what is younger is dated so. */
  readonly latest?: number;
  /** A stable word and what it is about, once for each file: `sockets-skipped`, `whiteout-names-skipped`. */
  readonly onWarning: (code: string, path: BytePath) => void;
}

/**
 * What makes one directory of another, as a layer: see TreeDiff. Throws ERR_BOX_FILE_UNREADABLE.
 */
export function* diffTrees(
  base: string,
  changed: string,
  options: DiffTreesOptions,
): Generator<Uint8Array, void, undefined> {
  const links = linkGroups(base, changed);
  yield* inTree(changed, (root) => writeTar(entries(root, links, base, options)));
}

function linkGroups(base: string, changed: string): LinkGroups {
  const [before] = inTree(base, (former) => inTree(changed, (now) => [new LinkGroups(former, now)]));
  return before as LinkGroups;
}

function* entries(
  root: FoundDirectory,
  links: LinkGroups,
  base: string,
  { onWarning, latest }: DiffTreesOptions,
): Generator<PackedEntry, void, undefined> {
  const diff = new TreeDiff({
    base: [Buffer.from(base).toString('latin1')],
    linksChanged: (found) => links.changed(found.path),
    onWarning,
  });
  const hardlinks = new Hardlinks();
  for (const entry of diff.entries(root)) yield datedEntry(hardlinks.settle(entry), latest);
}
