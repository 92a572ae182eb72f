import { once } from 'node:events';
import { chmodSync, chownSync, utimesSync } from 'node:fs';
import type { IdMap } from '@boxkit/contracts';
import { containerId, spawnInIdMap } from '@boxkit/linux';
import type { RootAttributes } from './overlay-stack.ts';

/** Gives a directory to another owner of the map, by the ids on the disk; a single id has no other. */
export async function giveTo(path: string, { uid, gid, mode, mtime }: RootAttributes, idMap: IdMap): Promise<void> {
  if (idMap.kind === 'single') return;
  if (idMap.kind === 'host') {
    chownSync(path, uid, gid);
    // chown(2) takes setuid and setgid away.
    chmodSync(path, mode);
    utimesSync(path, mtime / 1000, mtime / 1000);
    return;
  }
  const [inner, group] = [containerId(idMap.uids, uid), containerId(idMap.gids, gid)];
  const child = spawnInIdMap(idMap, ['chown', `${inner ?? 0}:${group ?? 0}`, '--', path], { stdio: 'ignore' });
  await once(child, 'close');
}
