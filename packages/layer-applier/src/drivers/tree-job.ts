import { mergeLayer } from '../merge/merge-layer.ts';
import { markOverlay } from './overlay-marks.ts';
import { settleOverlay } from './overlay-settle.ts';
import { publishTree } from './publish-tree.ts';
import type { TreeJob } from './rootfs-job.ts';

/** Does one job on trees; what it resolves to is sent back to who asked. */
export async function runTreeJob(job: TreeJob): Promise<unknown> {
  switch (job.kind) {
    case 'merge':
      return mergeLayer(job.place, job.layer);
    case 'publish':
      return publishTree(job);
    case 'overlay-marks':
      return markOverlay(job.options);
    case 'overlay-settle':
      return settleOverlay(job.options);
  }
}
