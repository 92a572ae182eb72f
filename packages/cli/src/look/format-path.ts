import type { ImagePath } from '@boxkit/box';
import { escapeControls } from '../output/escape.ts';

const typeLetters: Readonly<Record<ImagePath['type'], string>> = {
  file: '-',
  hardlink: '-',
  symlink: 'l',
  directory: 'd',
  'character-device': 'c',
  'block-device': 'b',
  fifo: 'p',
};

/** A line as `ls -l` has it, with the layer before the path. */
export function formatPath(entry: ImagePath): string {
  const { type, mode, uid, gid, size, device, mtime, layer } = entry;
  const owner = `${uid}:${gid}`.padEnd(9);
  const time = mtime.slice(0, 16).replace('T', ' ');
  const what = (device ?? String(size)).padStart(10);
  return `${typeLetters[type]}${modeLetters(mode)} ${owner} ${what} ${time}  ${String(layer).padStart(2)}  ${nameOf(entry)}`;
}

function nameOf({ type, path, link }: ImagePath): string {
  const target = link === undefined ? '' : `${type === 'hardlink' ? ' = ' : ' -> '}${escapeControls(link)}`;
  return `${escapeControls(path)}${target}`;
}

/** `4755` as `rwsr-xr-x`. */
export function modeLetters(octal: string): string {
  const mode = Number.parseInt(octal, 8);
  const special = [
    [0o4000, 's'],
    [0o2000, 's'],
    [0o1000, 't'],
  ] as const;
  return special
    .map(([bit, letter], at) => {
      const bits = (mode >> (6 - 3 * at)) & 7;
      const execute = (bits & 1) !== 0;
      const last = (mode & bit) === 0 ? (execute ? 'x' : '-') : execute ? letter : letter.toUpperCase();
      return `${(bits & 4) === 0 ? '-' : 'r'}${(bits & 2) === 0 ? '-' : 'w'}${last}`;
    })
    .join('');
}
