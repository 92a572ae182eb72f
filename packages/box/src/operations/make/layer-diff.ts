import { resolve } from 'node:path';
import { diffTrees } from '@boxkit/layer-applier';
import type { Machine } from '../machine.ts';
import { compressed, latestTime, type LayerOptions } from './layer-create.ts';
import { warningsOf } from './pack-warnings.ts';

/** The bytes of a layer that makes one directory of another. */
export function diffLayer(
  base: string,
  changed: string,
  options: LayerOptions,
  machine: Pick<Machine, 'emit'>,
): AsyncIterable<Uint8Array> {
  const latest = latestTime();
  const warnings = warningsOf(machine);
  const tar = diffTrees(resolve(base), resolve(changed), {
    ...(latest === undefined ? {} : { latest }),
    onWarning: (code, path) => warnings.add(code, path),
  });
  return compressed(tar, options, warnings);
}
