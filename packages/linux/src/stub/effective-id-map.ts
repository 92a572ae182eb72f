import type { IdMap } from '@boxkit/contracts';
import { singleIdMap } from '../id-map.ts';

/** The rootfs's map; an ordinary user has no use for the host's ids and gets a user namespace with one. */
export function effectiveIdMap(idMap: IdMap): IdMap {
  return idMap.kind === 'host' && process.geteuid?.() !== 0 ? singleIdMap() : idMap;
}
