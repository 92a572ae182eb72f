import { BoxError } from '@boxkit/contracts';
import { pathText } from '@boxkit/layer-applier';
import type { BytePath, IndexedImage, IndexedName, IndexedPath } from '@boxkit/layer-applier';
import { requirePath } from './entries.ts';
import type { TreeLine } from './image-look.ts';

/** What a process inside would find, directory by directory; each is held only while it is walked. */
export function* walkImage(image: IndexedImage, text: string, depth: number): Generator<TreeLine, void, undefined> {
  const found = requirePath(image, text);
  if (found.kind !== 'directory') throw noDirectory(text);
  yield* below(found, 1);

  function* below(directory: Pick<IndexedPath, 'node' | 'path'>, level: number): Generator<TreeLine, void, undefined> {
    if (level > depth) return;
    for (const [name, isLast] of withLast(image.list(directory))) {
      yield {
        ...line(name.path, name.name, level, isLast),
        ...describe(image, name),
        layer: name.layer.position,
      };
      if (name.kind === 'directory') yield* below(name, level + 1);
    }
  }
}

/** Each item, and whether none follows. */
function* withLast<Item>(items: Iterable<Item>): Generator<readonly [Item, boolean], void, undefined> {
  let held: { readonly item: Item } | undefined;
  for (const item of items) {
    if (held !== undefined) yield [held.item, false];
    held = { item };
  }
  if (held !== undefined) yield [held.item, true];
}

/** Of a symlink where it leads, of a file its size: a further hardlink is as large as the first. */
export function describe(image: IndexedImage, name: IndexedName): Pick<TreeLine, 'type' | 'size' | 'link'> {
  if (name.kind === 'directory') return { type: 'directory', size: 0 };
  if (name.kind === 'symlink') return { type: 'symlink', size: 0, link: text8(image.targetOf(name)) };
  const isFile = name.entry.type === 'file' || name.entry.type === 'hardlink';
  return { type: isFile ? 'file' : 'other', size: isFile ? image.sizeOf(name) : 0 };
}

export function line(path: string, name: string, depth: number, last: boolean) {
  return { path: `/${text8(path)}`, name: text8(name), depth, last };
}

function text8(latin1: string): string {
  return pathText(latin1 as BytePath);
}

export function noDirectory(text: string): BoxError {
  return new BoxError(
    'ERR_BOX_FILE_UNREADABLE',
    `cannot list ${JSON.stringify(text)} of the image: it is no directory`,
    {
      hint: '`box ls` shows a single file too.',
      fields: { path: text },
    },
  );
}
