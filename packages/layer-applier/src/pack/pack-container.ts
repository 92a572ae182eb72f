import type { BytePath } from '../byte-path.ts';
import type { IndexedLayer } from '../indexed/indexed-layer.ts';
import { ContainerTree } from './container-tree.ts';
import type { FoundDirectory, FoundEntry } from './find-entry.ts';
import { Hardlinks } from './hardlinks.ts';
import { inTree } from './in-tree.ts';
import { LinkGroups } from './link-groups.ts';
import type { PackedEntry } from './packed-entry.ts';
import { Recorded } from './recorded.ts';
import { TreeDiff } from './tree-diff.ts';
import { writeTar } from './write-tar.ts';

/** A container's files, as data. Paths of the host are absolute, as bytes (latin1). */
export interface ContainerFiles {
  /** The upper directory of an overlay, or the container's whole tree. */
  readonly own: string;
  /** What it was made from, topmost first. */
  readonly base: readonly string[];
  /** Whose marks are in an upper directory; absent for a whole tree. */
  readonly upper?: 'trusted' | 'user' | undefined;
  /** Below the root: what is empty there was made to mount on. */
  readonly mountPoints: readonly BytePath[];
  /** The image's layers, where the disk could not hold all that they said of files. */
  readonly layers?: readonly IndexedLayer[] | undefined;
  /** Milliseconds since 1970: when the container started. */
  readonly started?: number | undefined;
}

export interface PackContainerOptions {
  /** Only what it changed, as a layer upon its base, or all that it sees. */
  readonly what: 'changes' | 'everything';
  readonly onWarning: (code: string, path: BytePath) => void;
}

/**
 * A container's files as a tar, by the ids that this process sees. Nothing that is mounted in it is read. Throws
 * ERR_BOX_FILE_UNREADABLE.
 */
export function* packContainer(
  files: ContainerFiles,
  options: PackContainerOptions,
): Generator<Uint8Array, void, undefined> {
  const { what, onWarning } = options;
  const recorded = files.layers === undefined ? undefined : new Recorded(files.layers);
  // Something may still run in it: what a file loses meanwhile is filled with zeros, as `tar` does.
  const onShrunk = ({ path }: PackedEntry): void => onWarning('files-shrunk', path);
  const own = Buffer.from(files.own, 'latin1').toString();
  const entries = (root: FoundDirectory): Iterable<PackedEntry> =>
    what === 'changes'
      ? changes(files, root, { onWarning, recorded })
      : new ContainerTree({ ...files, recorded, onWarning }).entries(root);
  yield* inTree(own, (root) => writeTar(linked(entries(root)), { onShrunk }));
}

function changes(
  files: ContainerFiles,
  root: FoundDirectory,
  {
    onWarning,
    recorded,
  }: { readonly onWarning: PackContainerOptions['onWarning']; readonly recorded: Recorded | undefined },
): Iterable<PackedEntry> {
  const { started = 0 } = files;
  const options = {
    ...files,
    recorded,
    onWarning,
    linksChanged: links(files, root),
    isUntouched: ({ changed }: FoundEntry) => changed < BigInt(Math.floor(started)),
  };
  return new TreeDiff(options).entries(root);
}

/** In an upper directory there are only names that the container touched: those of one file are kept together. */
function links({ upper, base }: ContainerFiles, root: FoundDirectory): (found: FoundEntry) => boolean {
  const below = base[0];
  if (upper !== undefined || below === undefined) return ({ names }) => names > 1;
  const [groups] = inTree(Buffer.from(below, 'latin1').toString(), (former) => [new LinkGroups(former, root)]);
  return ({ path }) => groups?.changed(path) === true;
}

function* linked(entries: Iterable<PackedEntry>): Generator<PackedEntry, void, undefined> {
  const hardlinks = new Hardlinks();
  for (const entry of entries) yield hardlinks.settle(entry);
}
