import type { TreeLine } from '@boxkit/box';
import { escapeControls } from '../output/escape.ts';
import { formatBytes } from '../output/format.ts';

/** Draws a tree as tree(1) does, a line for each name. */
export function* drawTree(lines: Iterable<TreeLine>, unicode: boolean): Generator<string, void, undefined> {
  const [branch, corner, trunk] = unicode ? ['├── ', '└── ', '│   '] : ['|-- ', '`-- ', '|   '];
  const stems: string[] = [];
  for (const line of lines) {
    stems.length = line.depth - 1;
    yield `${stems.join('')}${line.last ? corner : branch}${describe(line)}`;
    stems.push(line.last ? '    ' : trunk);
  }
}

function describe({ name, type, size, link, opaque }: TreeLine): string {
  const shown = escapeControls(name);
  if (type === 'directory') return `${shown}/${opaque === true ? ' (hides what is below it in lower layers)' : ''}`;
  if (type === 'symlink') return `${shown} -> ${escapeControls(link ?? '')}`;
  if (type === 'whiteout') return `${shown} (deleted)`;
  return type === 'file' ? `${shown}  ${formatBytes(size)}` : shown;
}
