import * as fc from 'fast-check';
import { buildLayer, whiteout, type BuiltLayer, type TarEntry } from '@boxkit/testkit';

/** Few names, so that layers collide in every way that they can. */
const name = fc.constantFrom('a', 'b', 'c');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const target = fc.oneof(
  path,
  path.map((to) => `/${to}`),
  path.map((to) => `../${to}`),
  fc.constantFrom('nowhere', '.', '/'),
);

/** `pick` chooses among the files before it, so that most hardlinks have a target. */
type DrawnEntry = TarEntry & { readonly pick?: number };

const entry: fc.Arbitrary<DrawnEntry> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ path, type: fc.constant('file' as const), mode: fc.constantFrom(0o644, 0o4755) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      path,
      type: fc.constant('directory' as const),
      mode: fc.constantFrom(0o755, 0o1777, 0o500),
    }),
  },
  { weight: 2, arbitrary: fc.record({ path, type: fc.constant('symlink' as const), link: target }) },
  { weight: 2, arbitrary: fc.record({ path, type: fc.constant('hardlink' as const), link: path, pick: fc.nat() }) },
  { weight: 2, arbitrary: path.map((hidden) => whiteout(hidden)) },
  { weight: 1, arbitrary: path.map((directory) => ({ path: `${directory}/.wh..wh..opq` })) },
);

/** Tar entries of one layer after the other; contents and times tell each entry from all others. */
export const stacks: fc.Arbitrary<readonly (readonly TarEntry[])[]> = fc
  .array(fc.array(entry, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 })
  .map((layers) => {
    const files: TarEntry['path'][] = [];
    return layers.map((entries, layer) =>
      entries.map(({ pick, ...one }, position): TarEntry => {
        const link = pick === undefined || pick % 8 === 0 ? one.link : (files[pick % files.length] ?? one.link);
        if (one.type === 'file') files.push(one.path);
        return {
          ...one,
          mtime: 1_700_000_000 + layer * 100 + position,
          uid: position,
          ...(link === undefined ? {} : { link }),
          ...(one.type === 'file' ? { content: `layer ${layer} entry ${position}` } : {}),
        };
      }),
    );
  });

export function buildStack(layers: readonly (readonly TarEntry[])[]): readonly BuiltLayer[] {
  return layers.map((entries) => buildLayer(entries, { compression: 'none' }));
}

/** A stack for a message, as a person would write it down. */
export function showStack(layers: readonly (readonly TarEntry[])[]): string {
  const line = ({ path, type, link }: TarEntry): string =>
    `  ${type ?? 'mark'} ${String(path)}${link === undefined ? '' : ` -> ${String(link)}`}`;
  return layers.map((entries, at) => [`layer ${at}`, ...entries.map(line)].join('\n')).join('\n');
}
