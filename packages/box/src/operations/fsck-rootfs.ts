import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { readKept } from '@boxkit/layer-applier';

/**
 * What is wrong with a merged tree, in words: its parts are missing or its record cannot be read. The files in it have no
 * index. Undefined for a sound one, one that another hand keeps in a way of its own, and when it is gone.
 */
export function rootfsProblem(directory: string): string | undefined {
  const isTree = lstatSync(join(directory, 'tree'), { throwIfNoEntry: false })?.isDirectory() === true;
  const hasRecord = existsSync(join(directory, 'overlay.json'));
  const problem = problemOf(isTree, hasRecord, directory);
  return problem === undefined || !existsSync(directory) ? undefined : problem;
}

function problemOf(isTree: boolean, hasRecord: boolean, directory: string): string | undefined {
  if (!isTree) return 'it has no tree';
  if (hasRecord && readKept(directory).form === undefined) return 'its record cannot be read';
  return undefined;
}
