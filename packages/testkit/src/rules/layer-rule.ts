import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { RawTarBytes, TarEntry, TarOptions } from '../tar/tar-writer.ts';
import type { Tree, TreeEntry } from '../tree/read-tree.ts';

/** A test, as the file and what it is called there. */
export interface NamedTest {
  /** Relative to the workspace. */
  readonly file: string;
  readonly name: string;
}

/** One thing that the layers of an image mean, and where it is held to. */
export interface LayerRule {
  /** The rule, as one sentence. The tests of stacks are called by it. */
  readonly rule: string;
  /** Where it is tested of one layer that is extracted by itself. */
  readonly alone: NamedTest;
  /** The stack that shows it; or the tests that do, where no stack can. */
  readonly shown: ShownByStack | { readonly merged: NamedTest; readonly peers: NamedTest };
}

export interface ShownByStack {
  /** The entries of the layers, lowest first. */
  readonly layers: readonly (readonly (TarEntry | RawTarBytes)[])[];
  readonly format?: TarOptions['format'];
  /** Every path that is there when all are applied, and what the rule says of it. Left out: it must fail. */
  readonly tree?: Readonly<Record<string, Partial<TreeEntry>>>;
  /** The code of the error that it ends with. */
  readonly fails?: string;
  /** It has to be an image of its own: it is of the root, or a peer refuses it. */
  readonly isApart?: boolean;
  /** Peers that do otherwise, and what they do. */
  readonly otherwise?: Readonly<Partial<Record<Peer, string>>>;
  /** Why a mounted overlay cannot show it. */
  readonly notInOverlay?: string;
}

export type Peer = 'umoci' | 'podman';

/** The tests that run the stacks. */
export const stackTests = {
  merged: 'packages/layer-applier/src/drivers/layer-rules.test.ts',
  peers: 'e2e/src/layer-rules.test.ts',
} as const;

const extractTests = 'packages/layer-applier/src/extract';

/** A test of layer-rules.test.ts, or of another file of the layer applier. */
export function alone(name: string, file = `${extractTests}/layer-rules.test.ts`): NamedTest {
  return { file, name };
}

export const directory = (path: string, more: Partial<TarEntry> = {}): TarEntry => ({
  path: `${path}/`,
  type: 'directory',
  ...more,
});
export const file = (path: string, content = path, more: Partial<TarEntry> = {}): TarEntry => ({
  path,
  content,
  ...more,
});
export const symlink = (path: string, link: string, more: Partial<TarEntry> = {}): TarEntry => ({
  path,
  link,
  type: 'symlink',
  ...more,
});
export const hardlink = (path: string, link: string): TarEntry => ({ path, link, type: 'hardlink' });

/** What a tree has for a file of this content. */
export function has(content: string | Uint8Array, more: Partial<TreeEntry> = {}): Partial<TreeEntry> {
  return { type: 'file', content: createHash('sha256').update(content).digest('hex'), ...more };
}
export const isDirectory = (more: Partial<TreeEntry> = {}): Partial<TreeEntry> => ({ type: 'directory', ...more });
export const leads = (link: string, more: Partial<TreeEntry> = {}): Partial<TreeEntry> => ({
  type: 'symlink',
  link,
  ...more,
});

/** Where a tree is not what a rule says of it; nothing where it is. `folder`: the rule's own, see `inFolder`. */
export function unlike(tree: Tree, stack: ShownByStack, folder = '.'): string[] {
  const at = (path: string): string => posix.join(folder, path);
  const moved = (field: keyof TreeEntry, value: TreeEntry[keyof TreeEntry]): unknown => {
    if (typeof value !== 'string' || folder === '.') return value;
    if (field === 'sameAs') return at(value);
    return field === 'link' && value.startsWith('/') ? `/${folder}${value}` : value;
  };
  const expected = new Map(Object.entries(stack.tree ?? {}).map(([path, entry]) => [at(path), entry]));
  const there = [...tree.keys()].filter((path) => path !== folder && (folder === '.' || path.startsWith(`${folder}/`)));
  const extra = there.filter((path) => !expected.has(path)).map((path) => `${path} should not be there`);
  const wrong = [...expected].flatMap(([path, entry]) => {
    const found = tree.get(path);
    if (found === undefined) return [`${path} is missing`];
    return (Object.keys(entry) as (keyof TreeEntry)[]).flatMap((field) => {
      const wanted = JSON.stringify(moved(field, entry[field]));
      const got = JSON.stringify(found[field]);
      return got === wanted ? [] : [`${path}: ${field} ${got} instead of ${wanted}`];
    });
  });
  return [...extra, ...wrong];
}
