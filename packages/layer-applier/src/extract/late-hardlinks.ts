import { parentPath, type BytePath } from '../byte-path.ts';
import { recordFlag } from '../layer-index/index-format.ts';
import type { IndexWriter, RecordFields } from '../layer-index/index-writer.ts';
import type { DeferredHardlink } from '../staged-layer.ts';

/** Makes a link: true when it is there now, false as long as the target is not, `impossible` when a later entry has taken its place. */
export type MakeLink = (path: BytePath, target: BytePath) => boolean | 'impossible';

/**
 * Hardlinks whose target was not there when they were read: it may come later in the layer, or only a lower layer has
 * it. A later entry at the link's own path takes its place.
 */
export class LateHardlinks {
  readonly #pending = new Map<BytePath, { target: BytePath; fields: RecordFields; turn: number }>();
  /** Directories that were removed, and how many links had been added by then. */
  readonly #removed = new Map<BytePath, number>();
  #turn = 0;
  readonly #index: IndexWriter;
  readonly #make: MakeLink;

  constructor(index: IndexWriter, make: MakeLink) {
    this.#index = index;
    this.#make = make;
  }

  get size(): number {
    return this.#pending.size;
  }

  add(path: BytePath, target: BytePath, fields: RecordFields): void {
    this.#pending.set(path, { target, fields: { ...fields }, turn: this.#turn });
    this.#turn += 1;
  }

  /** A later entry stands at this path. */
  drop(path: BytePath): void {
    this.#pending.delete(path);
  }

  /** A directory was removed with all that was in it. */
  dropBelow(directory: BytePath): void {
    if (this.#pending.size > 0) this.#removed.set(directory, this.#turn);
  }

  /** Makes the links whose target has come; returns the others, in the order of the tar. */
  settle(): DeferredHardlink[] {
    this.#forgetRemoved();
    const waiting = new Map<BytePath, BytePath[]>();
    for (const [path, { target }] of this.#pending) {
      const others = waiting.get(target);
      if (others === undefined) waiting.set(target, [path]);
      else others.push(path);
    }
    // A late link may be the target of another, in a chain of any length: each is tried again when its target is made.
    const ready = [...this.#pending.keys()].toReversed();
    for (let path = ready.pop(); path !== undefined; path = ready.pop()) {
      if (this.#try(path)) ready.push(...(waiting.get(path) ?? []));
    }
    return [...this.#pending].map(([path, { target, fields }]) => {
      this.#index.add('hardlink', path, fields, { link: target, flags: recordFlag.deferred | recordFlag.absent });
      return { path, target };
    });
  }

  #forgetRemoved(): void {
    if (this.#removed.size === 0) return;
    for (const [path, { turn }] of this.#pending) {
      for (let at = parentPath(path); at !== ''; at = parentPath(at)) {
        if ((this.#removed.get(at) ?? 0) > turn) this.#pending.delete(path);
      }
    }
  }

  /** True when the link is there now, and was not before. */
  #try(path: BytePath): boolean {
    const link = this.#pending.get(path);
    if (link === undefined) return false;
    const made = this.#make(path, link.target);
    if (made === false) return false;
    this.#pending.delete(path);
    if (made === 'impossible') return false;
    this.#index.add('hardlink', path, link.fields, { link: link.target });
    return true;
  }
}
