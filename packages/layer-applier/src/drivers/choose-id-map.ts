import { once } from 'node:events';
import type { IdMap } from '@boxkit/contracts';
import { grantedIdMap, singleIdMap, spawnInIdMap } from '@boxkit/linux';
import { openProbeCache } from './probe-cache.ts';

/**
 * The id map to extract and run with: the granted one if a user namespace with it can really be made
 * (newuidmap may lack its privilege, the kernel may forbid user namespaces), else a single id.
 */
export async function chooseIdMap(home: string): Promise<IdMap> {
  const granted = grantedIdMap();
  if (granted.kind !== 'subordinate') return granted;
  const works = await openProbeCache(home).answer(`id map ${JSON.stringify(granted)}`, () => canEnter(granted));
  return works ? granted : singleIdMap();
}

async function canEnter(idMap: IdMap): Promise<boolean> {
  const child = spawnInIdMap(idMap, ['true'], { stdio: 'ignore' });
  try {
    const [status] = (await once(child, 'close')) as [number | null];
    return status === 0;
  } catch {
    // No `unshare` here.
    return false;
  }
}
