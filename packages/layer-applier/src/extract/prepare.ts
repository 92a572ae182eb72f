import { grantedIdMap } from '@boxkit/linux';
import { prepareWorkers } from './worker-pool.ts';

/**
 * Says that layers will be extracted soon: starts the first extracting thread while the network still answers. With
 * subordinate ids layers are extracted by processes, and nothing is done.
 */
export function prepareExtraction(): void {
  if (grantedIdMap().kind !== 'subordinate') prepareWorkers(1);
}
