import * as fc from 'fast-check';
import { buildLayer, whiteout, type BuiltLayer, type TarEntry } from '@boxkit/testkit';

/** Few names, so that layers collide in every way that they can; one is no UTF-8 (as latin1 here). */
const name = fc.constantFrom('a', 'b', 'c', '\xff');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
/** The same path is spelled in several ways. */
const spelled = fc.oneof(
  { weight: 5, arbitrary: path },
  path.map((to) => `./${to}`),
  path.map((to) => `/${to}`),
  path.map((to) => `a/../${to}`),
);
const target = fc.oneof(
  path,
  path.map((to) => `/${to}`),
  path.map((to) => `../${to}`),
  path.map((to) => `${to}/../c`),
  fc.constantFrom('nowhere', '.', '/', '..'),
);
const xattrs = fc.constantFrom<TarEntry['xattrs'][]>(undefined, undefined, { 'user.x': '1' }, { 'user.y': '\0\xff' });

/** `pick` chooses among the files before it, so that most hardlinks have a target. */
type DrawnEntry = TarEntry & { readonly pick?: number };

const entry: fc.Arbitrary<DrawnEntry> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      path: spelled,
      type: fc.constant('file' as const),
      mode: fc.constantFrom(0o644, 0o4755, 0),
      xattrs,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      path: fc.oneof({ weight: 8, arbitrary: spelled }, fc.constantFrom('.', './', '/')),
      type: fc.constant('directory' as const),
      mode: fc.constantFrom(0o755, 0o1777, 0o500),
      xattrs,
    }),
  },
  { weight: 2, arbitrary: fc.record({ path, type: fc.constant('symlink' as const), link: target }) },
  { weight: 2, arbitrary: fc.record({ path, type: fc.constant('hardlink' as const), link: path, pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ path, type: fc.constantFrom('fifo' as const, 'char' as const) }) },
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
        if (one.type === 'file' || one.type === 'symlink') files.push(one.path);
        return {
          ...one,
          path: asBytes(one.path),
          mtime: `${1_700_000_000 + layer * 100 + position}.${123_456_000 + position}`,
          uid: position,
          ...(one.type === 'char' ? { major: 1, minor: 3 } : {}),
          ...(link === undefined ? {} : { link: asBytes(link) }),
          ...(one.type === 'file' ? { content: `layer ${layer} entry ${position}` } : {}),
        };
      }),
    );
  });

/** Text where it is plain, so that a failure can be read. */
function asBytes(path: string | Uint8Array): string | Uint8Array {
  return typeof path === 'string' && path.includes('\xff') ? Buffer.from(path, 'latin1') : path;
}

export function buildStack(layers: readonly (readonly TarEntry[])[]): readonly BuiltLayer[] {
  return layers.map((entries) => buildLayer(entries, { compression: 'none' }));
}

/** A stack for a message, as a person would write it down. */
export function showStack(layers: readonly (readonly TarEntry[])[]): string {
  const text = (value: string | Uint8Array): string => Buffer.from(value).toString('latin1');
  const line = ({ path, type, link }: TarEntry): string =>
    `  ${type ?? 'mark'} ${text(path)}${link === undefined ? '' : ` -> ${text(link)}`}`;
  return layers.map((entries, at) => [`layer ${at}`, ...entries.map(line)].join('\n')).join('\n');
}
