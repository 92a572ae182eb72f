import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isName } from './container-names.ts';
import { unless } from './disk-error.ts';
import type { Item } from './fsck-items.ts';
import type { Layout } from './layout.ts';

/** The claims of container names. One whose container is gone is no damage: whoever wants the name takes it. */
export function* nameItems(layout: Layout): Generator<Item> {
  for (const name of unless('ENOENT', [], () => readdirSync(layout.names))) {
    const path = join(layout.names, name);
    yield { kind: 'unknown', name: `names/${name}`, path, check: async () => nameProblem(path, name) };
  }
}

function nameProblem(path: string, name: string): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  return stat.isDirectory() && isName(name) ? undefined : 'it is no claim of a name';
}
