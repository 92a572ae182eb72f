import { BoxError } from '@boxkit/contracts';
import { listDirectory, pathText } from '@boxkit/layer-applier';
import type { BytePath, ImageTree } from '@boxkit/layer-applier';
import { requirePath } from './entries.ts';
import type { TreeLine } from './image-look.ts';

/** What a process inside would find, directory by directory; each is held only while it is walked. */
export function* walkImage(tree: ImageTree, text: string, depth: number): Generator<TreeLine, void, undefined> {
  const { path, seen } = requirePath(tree, text);
  if (seen.kind !== 'directory') throw noDirectory(text);
  yield* below(path, seen.merged, 1);

  function* below(parent: string, merged: readonly string[], level: number): Generator<TreeLine, void, undefined> {
    if (level > depth) return;
    const names = [...listDirectory(tree, merged)];
    for (const [at, { name, seen: found, stats, layer }] of names.entries()) {
      const own = parent === '' ? name : `${parent}/${name}`;
      const type = found.kind !== 'other' ? found.kind : stats?.isFile() === true ? 'file' : 'other';
      yield {
        ...line(own, name, level, at === names.length - 1),
        type,
        size: type === 'file' ? (stats?.size ?? 0) : 0,
        ...(found.kind === 'symlink' ? { link: text8(found.target) } : {}),
        ...(layer === undefined ? {} : { layer: layer.position }),
      };
      if (found.kind === 'directory') yield* below(own, found.merged, level + 1);
    }
  }
}

export function line(path: string, name: string, depth: number, last: boolean) {
  return { path: `/${text8(path)}`, name: text8(name), depth, last };
}

export function text8(latin1: string): string {
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
