import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LayerWarning } from '../staged-layer.ts';
import type { OrphanMarks } from './overlay-marks.ts';

/** What is known of a layer in the store beside its index. */
export interface KeptLayer extends OrphanMarks {
  /** See layerForm; undefined when the layer is not there or was kept by another hand. */
  readonly form: string | undefined;
  /** Of a merged tree: what it could not hold. A layer has its own in its index. */
  readonly warnings?: readonly LayerWarning[];
}

export function writeKept(directory: string, kept: KeptLayer): void {
  writeFileSync(join(directory, 'overlay.json'), JSON.stringify(kept));
}

export function readKept(directory: string): KeptLayer {
  try {
    return JSON.parse(readFileSync(join(directory, 'overlay.json'), 'utf8')) as KeptLayer;
  } catch {
    return { form: undefined, whiteouts: [], opaques: [] };
  }
}
