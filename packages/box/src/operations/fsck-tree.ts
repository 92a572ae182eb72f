import { lstatSync, readdirSync, type Dirent, type Stats } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

/** What cannot be said of a path: a parent is no directory, or it is closed to this user, or deeper than a path can say. */
export type Unseen = 'replaced' | 'closed';

/** Entries between two looks at the signal. */
const batch = 1000;

/** An entry of a tree; paths are bytes as latin1, as an index has them. Follows no link at the last component. */
export function look(tree: string, path: string): Stats | Unseen | undefined {
  try {
    return lstatSync(below(tree, path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return 'replaced';
    if (code === 'EACCES' || code === 'ENAMETOOLONG') return 'closed';
    if (code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether no symlink is on the way to a path. */
export function isPlain(tree: string, path: string): boolean {
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const stat = look(tree, path.slice(0, slash));
    if (typeof stat !== 'object' || !stat.isDirectory()) return false;
  }
  return true;
}

/** The paths in a tree, parents first, without what is below those that `enters` declines. Follows no link. */
export async function* walk(
  tree: string,
  enters: (path: string) => boolean,
  signal?: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const directories = [''];
  let count = 0;
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const entry of entriesOf(below(tree, directory))) {
      if (++count % batch === 0) await turn();
      signal?.throwIfAborted();
      const name = entry.name.toString('latin1');
      const path = directory === '' ? name : `${directory}/${name}`;
      yield path;
      if (entry.isDirectory() && enters(path)) directories.push(path);
    }
  }
}

export function below(tree: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${tree}/`), Buffer.from(path, 'latin1')]);
}

function entriesOf(directory: Buffer): Dirent<Buffer>[] {
  try {
    return readdirSync(directory, { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Gone meanwhile, closed to this user, or nested deeper than a path can say.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'ENAMETOOLONG') return [];
    throw error;
  }
}
