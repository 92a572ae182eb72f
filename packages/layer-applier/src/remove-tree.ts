import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { IdMap } from '@boxkit/contracts';
import { BoxError } from '@boxkit/contracts';
import { grantedIdMap, spawnInIdMap } from '@boxkit/linux';

export interface RemoveTreeOptions {
  /** The map whose files may be in the tree; the granted one when absent. */
  readonly idMap?: IdMap;
}

/**
 * Removes a tree that box made, whatever owners and modes its content has: closed directories are opened, files of subordinate
 * ids are removed inside the user namespace that may. Follows no symlink; nothing happens when there is no such path.
 * Throws ERR_BOX_SYSTEM_CALL when something stays.
 */
export async function removeTree(path: string, options: RemoveTreeOptions = {}): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
    return;
  } catch (error) {
    if (!isDenied(error)) throw error;
  }
  // A user may chmod what is his own; as root of a namespace he may also remove what is not.
  const idMap = options.idMap ?? grantedIdMap();
  const child = spawnInIdMap(idMap, ['rm', '-rf', '--', path], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-500)));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status === 0) return;
  throw new BoxError('ERR_BOX_SYSTEM_CALL', `cannot remove ${path}: ${said.trim()}`, {
    hint: `Remove it as root: rm -rf ${path}`,
    fields: { path, status },
  });
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EACCES', 'EPERM', 'ENOTEMPTY'].includes(String(error.code));
}
