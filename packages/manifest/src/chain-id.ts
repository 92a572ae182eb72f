import { createHash } from 'node:crypto';
import type { ChainId, DiffId } from '@boxkit/contracts';

/** The chainID after each layer, lowest first. OCI image-spec, config.md "Layer ChainID". */
export function chainIds(diffIds: readonly DiffId[]): ChainId[] {
  const chain: ChainId[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push((below === undefined ? diffId : next(below, diffId)) as ChainId);
  }
  return chain;
}

function next(below: ChainId, diffId: DiffId): string {
  return `sha256:${createHash('sha256').update(`${below} ${diffId}`).digest('hex')}`;
}
