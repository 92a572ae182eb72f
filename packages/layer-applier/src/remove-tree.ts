import { once } from 'node:events';
import { lstat, rm } from 'node:fs/promises';
import type { IdMap } from '@boxkit/contracts';
import { BoxError } from '@boxkit/contracts';
import { grantedIdMap, singleIdMap, spawnInIdMap } from '@boxkit/linux';

export interface RemoveTreeOptions {
  /** The map whose files may be in the tree; the granted one when absent. */
  readonly idMap?: IdMap;
}

/**
 * Removes a tree that box made, whatever owners and modes its content has: closed directories are opened, files of
 * subordinate ids are removed inside the user namespace that may. Follows no symlink; nothing happens when there is
 * no such path. Throws ERR_BOX_SYSTEM_CALL when something stays.
 */
export async function removeTree(path: string, options: RemoveTreeOptions = {}): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
    return;
  } catch (error) {
    if (!isDenied(error)) throw error;
  }
  // As root of a user namespace a user may open what is his, and remove what belongs to his subordinate ids; where
  // the kernel grants no such namespace there can only be files of his own.
  const idMap = options.idMap ?? grantedIdMap();
  const attempts: (() => Promise<string>)[] = [
    async () => said(idMap, ['rm', '-rf', '--', path]),
    async () => said(singleIdMap(), ['rm', '-rf', '--', path]),
    async () => said({ kind: 'host' }, ['chmod', '-R', 'u+rwx', '--', path]),
    async () => said({ kind: 'host' }, ['rm', '-rf', '--', path]),
  ];
  let failure = '';
  for (const attempt of attempts) {
    failure = await attempt();
    if (!(await exists(path))) return;
  }
  throw new BoxError('ERR_BOX_SYSTEM_CALL', `cannot remove ${path}: ${failure}`, {
    hint: `Remove it as root: rm -rf ${path}`,
    fields: { path },
  });
}

/** Runs a command for its effect; gives what it complained of. */
async function said(idMap: IdMap, argv: readonly [string, ...string[]]): Promise<string> {
  const child = spawnInIdMap(idMap, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaint = `${complaint}${chunk.toString()}`.slice(-500)));
  try {
    await once(child, 'close');
  } catch (error) {
    complaint = String(error);
  }
  return complaint.trim();
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EACCES', 'EPERM', 'ENOTEMPTY'].includes(String(error.code));
}
