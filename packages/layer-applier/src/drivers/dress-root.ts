import { once } from 'node:events';
import { chmodSync, chownSync } from 'node:fs';
import type { IdMap } from '@boxkit/contracts';
import { containerId, setTimesAt, setXattr, spawnInIdMap } from '@boxkit/linux';
import type { RootAttributes } from './root-attributes.ts';

/** Gives a directory the attributes of an image's root: xattrs, owner by the ids on the disk (a single id has no other), mode, time. */
export async function dressRoot(path: string, root: RootAttributes, idMap: IdMap): Promise<void> {
  const { uid, gid, mode, mtime, xattrs = {} } = root;
  for (const [name, value] of Object.entries(xattrs)) setXattr(path, name, Buffer.from(value, 'base64'));
  // chown(2) takes setuid and setgid away.
  if (idMap.kind === 'host') chownSync(path, uid, gid);
  chmodSync(path, mode);
  setTimesAt(path, BigInt(mtime), BigInt(mtime));
  if (idMap.kind !== 'subordinate') return;
  const [inner, group] = [containerId(idMap.uids, uid), containerId(idMap.gids, gid)];
  if (inner === 0 && group === 0) return;
  const child = spawnInIdMap(idMap, ['chown', `${inner ?? 0}:${group ?? 0}`, '--', path], { stdio: 'ignore' });
  await once(child, 'close');
}
