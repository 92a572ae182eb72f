import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import { nodeKind, type ImageNodes, type RecordPlace } from './image-nodes.ts';
import { symlinkTarget, type MergeContext, type Parent } from './merge-context.ts';
import type { NodePlacer } from './node-placer.ts';
import { PlaceList } from './place-list.ts';
import { walkImage, type WalkedDirectory } from './walk-image.ts';

/** Entries below a directory that the layer only implies, where a lower layer has a symlink: settled when all else is in place. */
interface Redirect {
  /** The symlink's path in the image. */
  readonly path: BytePath;
  /** The number of the directory that the symlink is in. */
  readonly holder: number;
  readonly records: PlaceList;
}

/**
 * Where one layer's directories are in the image. One that the layer only implies and that a lower layer has as a symlink
 * is what the symlink leads to.
 */
export class LayerDirectories {
  /** Those that are elsewhere, with where that is. */
  readonly moved = new Map<BytePath, BytePath>();
  readonly #context: MergeContext;
  readonly #nodes: ImageNodes;
  readonly #placer: NodePlacer;
  readonly #implied: ReadonlySet<BytePath>;
  /** Where directories of the layer have been found to lead. */
  readonly #settled = new Map<BytePath, WalkedDirectory>();
  readonly #redirects = new Map<BytePath, Redirect>();
  /** What was made where a directory's symlink leads. */
  readonly #made = new Map<BytePath, number[]>();
  #lastPath: BytePath | undefined;
  #last: Parent | undefined;

  constructor(context: MergeContext, placer: NodePlacer, implied: ReadonlySet<BytePath>) {
    this.#context = context;
    this.#nodes = context.nodes;
    this.#placer = placer;
    this.#implied = implied;
  }

  /** The image's directory for one of the layer's, made when missing. Entries of one directory come together: it is looked up once. */
  ensure(path: BytePath): Parent {
    if (path === this.#lastPath && this.#last !== undefined) return this.#last;
    const found = this.#descend(path, true);
    if (found === undefined) throw new Error('unreachable: what is missing was made');
    this.#last = found;
    this.#lastPath = path;
    return found;
  }

  /** The same, and nothing is made; undefined for none. */
  find(path: BytePath): Parent | undefined {
    return this.#descend(path, false);
  }

  /** To be called when a directory gave way to something else. */
  forget(): void {
    this.#lastPath = undefined;
  }

  /** Keeps a record until its redirect is settled. */
  wait(redirect: BytePath, place: RecordPlace): void {
    this.#redirects.get(redirect)?.records.add(place);
  }

  /** Finds where the symlinks lead, and puts what waits for that: in the order of the paths, as settling one may find others. */
  *settle(): Generator<Pick<RecordPlace, 'ordinal' | 'offset'>, void, undefined> {
    for (;;) {
      const [path] = [...this.#redirects.keys()].toSorted();
      const redirect = path === undefined ? undefined : this.#redirects.get(path);
      if (path === undefined || redirect === undefined) return;
      this.#redirects.delete(path);
      const settled = this.#ledTo(redirect, path);
      this.#settled.set(path, settled);
      if (settled.path !== path) this.moved.set(path, settled.path);
      this.forget();
      yield* redirect.records;
    }
  }

  /** Follows a path as a process inside the root would; with `causeOf`, what is missing is made for that directory of the layer. */
  walk(path: string, causeOf?: BytePath): ReturnType<typeof walkImage> {
    return walkImage(path, {
      nodes: this.#nodes,
      targetOf: (node) => symlinkTarget(node, this.#context),
      ...(causeOf === undefined ? {} : { create: (parent, name) => this.#make(parent, name, causeOf) }),
    });
  }

  /** The nodes that were made where a directory's symlink leads. */
  madeFor(path: BytePath): readonly number[] {
    return this.#made.get(path) ?? [];
  }

  #descend(path: BytePath, create: boolean): Parent | undefined {
    let done = this.#settledAbove(path);
    let current = this.#settled.get(done) ?? { node: this.#nodes.root, path: '' as BytePath };
    for (const name of path.slice(done.length).split('/')) {
      if (name === '') continue;
      done = joinPath(done, name);
      const number = this.#nodes.numberOf(current.node);
      const node = this.#nodes.find(number, name);
      const at = joinPath(current.path, name);
      if (this.#nodes.isDirectory(node)) {
        current = { node, path: at };
      } else if (node >= 0 && this.#nodes.kindOf(node) === nodeKind.symlink && this.#implied.has(done)) {
        if (!this.#redirects.has(done)) {
          if (!create) return undefined;
          this.#redirects.set(done, { path: at, holder: number, records: new PlaceList() });
        }
        return { redirect: done };
      } else if (create) {
        current = { node: this.#placer.replace(number, name, nodeKind.implied), path: at };
      } else {
        return undefined;
      }
    }
    return current;
  }

  /** The nearest directory that was settled, of a path and what is above it: what was on the way there may be gone. */
  #settledAbove(path: BytePath): BytePath {
    if (this.#settled.size === 0) return '' as BytePath;
    let at = path;
    while (at !== '' && !this.#settled.has(at)) at = parentPath(at);
    return at;
  }

  /** What a symlink leads to; the directory takes its place where that cannot be one. */
  #ledTo({ path, holder }: Redirect, own: BytePath): WalkedDirectory {
    const led = this.walk(path, own);
    if (typeof led !== 'string') return led;
    const there = this.#nodes.find(holder, baseName(path));
    if (this.#nodes.isDirectory(there)) return { node: there, path };
    return { node: this.#placer.replace(holder, baseName(path), nodeKind.implied), path };
  }

  /** A directory that a symlink of a lower layer leads to, and that is not there. */
  #make(parent: WalkedDirectory, name: string, causeOf: BytePath): number {
    const node = this.#placer.replace(this.#nodes.numberOf(parent.node), name, nodeKind.implied);
    this.#context.made.set(node, { path: joinPath(parent.path, name), mtime: { seconds: 0, nanoseconds: 0 } });
    const made = this.#made.get(causeOf);
    if (made === undefined) this.#made.set(causeOf, [node]);
    else made.push(node);
    return node;
  }
}
