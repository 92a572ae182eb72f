import { writeTar, type RawTarBytes, type TarEntry } from '../tar/tar-writer.ts';
import type { ShownByStack } from './layer-rule.ts';

/** The tars of one image, lowest first, in which each stack has a folder of its own: `rule-0`, `rule-1` ... */
export function tarsOfAll(stacks: readonly ShownByStack[]): Buffer[] {
  const count = Math.max(...stacks.map(({ layers }) => layers.length));
  return Array.from({ length: count }, (_none, layer) =>
    writeTar(
      stacks.flatMap(({ layers, format }, at): (TarEntry | RawTarBytes)[] => {
        const entries = (layers[layer] ?? []).map((entry) => inFolder(entry, folderOf(at)));
        // What a bare directory's time would be is said by no rule.
        const top = layer === 0 ? [{ path: `${folderOf(at)}/`, type: 'directory' as const }] : [];
        return [{ raw: writeTar([...top, ...entries], { end: false, ...(format === undefined ? {} : { format }) }) }];
      }),
    ),
  );
}

/** The folder of the stack in that place. */
export function folderOf(position: number): string {
  return `rule-${position}`;
}

/** An entry moved below a folder, with what it is linked to; absolute symlinks too. */
function inFolder(entry: TarEntry | RawTarBytes, folder: string): TarEntry | RawTarBytes {
  if ('raw' in entry) throw new TypeError('what is written as bytes is of the root');
  const { path, link, type, pax } = entry;
  const moved = pax === undefined ? {} : { pax: Object.fromEntries(Object.entries(pax).map(movedRecord)) };
  function movedRecord([key, value]: [string, string | Uint8Array]): [string, string | Uint8Array] {
    const isPath = key === 'path' || key === 'GNU.sparse.name' || (key === 'linkpath' && type === 'hardlink');
    return [key, isPath ? below(folder, value) : value];
  }
  if (link === undefined) return { ...entry, ...moved, path: below(folder, path) };
  const isRelative = type === 'symlink' && Buffer.from(link)[0] !== 0x2f;
  return { ...entry, ...moved, path: below(folder, path), link: isRelative ? link : below(folder, link) };
}

/** `/a`, `./a` and `a` keep their beginning. */
function below(folder: string, path: string | Uint8Array): string | Uint8Array {
  const text = Buffer.from(path).toString('latin1');
  const moved = text.replace(/^(\.?\/+)?/, (start) => `${start}${folder}/`);
  return typeof path === 'string' && !/[\u0080-\uffff]/.test(path) ? moved : Buffer.from(moved, 'latin1');
}
