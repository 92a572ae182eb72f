import { closeSync } from 'node:fs';
import { openDirectory } from '@boxkit/linux';
import type { BytePath } from '../byte-path.ts';
import type { FoundDirectory } from './find-entry.ts';
import { PackFailure, packProblem } from './pack-failure.ts';

/** What is made of an open tree, closed whatever comes. Failures become ERR_BOX_FILE_UNREADABLE with the tree's name. */
export function* inTree<Made>(
  root: string,
  make: (directory: FoundDirectory) => Iterable<Made>,
): Generator<Made, void, undefined> {
  let fd: number | undefined;
  try {
    fd = openRoot(root);
    yield* make({ fd, path: '' as BytePath });
  } catch (error) {
    throw packProblem(error, root);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function openRoot(root: string): number {
  try {
    // With a slash a symlink is followed: whoever names it means what it leads to.
    return openDirectory(`${root}/`);
  } catch (error) {
    throw PackFailure.of('' as BytePath, error);
  }
}
