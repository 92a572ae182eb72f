import type { BoxEvent } from '@boxkit/contracts';
import { type BytePath, pathText } from '@boxkit/layer-applier';

const texts: Readonly<Record<string, string>> = {
  'sockets-skipped': 'sockets are left out: they mean nothing without the process that listens',
  'whiteout-names': 'names that begin with .wh. delete files of lower layers',
  'whiteout-names-skipped': 'no layer can hold a file whose name begins with .wh., so it was left out',
  'files-shrunk': 'files became shorter while they were read: zeros stand for what was lost',
};

/** Warnings of a pack, each told once with how many files it is about and the first of them. */
export interface PackWarnings {
  add(code: string, path: BytePath): void;
  tell(): void;
}

export function warningsOf({ emit }: { readonly emit: (event: BoxEvent) => void }): PackWarnings {
  const found = new Map<string, { count: number; readonly first: string }>();
  return {
    add(code, path) {
      const known = found.get(code);
      if (known === undefined) found.set(code, { count: 1, first: pathText(path) });
      else known.count += 1;
    },
    tell() {
      for (const [code, { count, first }] of found) {
        const others = count === 1 ? '' : ` and ${count - 1} more`;
        emit({ type: 'warning', code, message: `${texts[code] ?? code}: ${first}${others}` });
      }
      found.clear();
    },
  };
}
