import type { HistoryEntry, Image } from '@boxkit/contracts';
import { defineCommand } from '../command.ts';
import { escapeControls } from '../output/escape.ts';
import { formatBytes, formatTable, shortDigest } from '../output/format.ts';
import { toJson } from '../output/json.ts';

export const layers = defineCommand({
  name: 'layers',
  summary: 'list the layers of an image',
  description: 'Lowest first: the diffID, the size as it is stored, and the step of the build that made it.',
  options: {},
  operands: { usage: 'REF', min: 1, max: 1 },
  examples: [{ line: 'box layers alpine', what: 'of an image that is kept' }],
  async run({ operands: [reference = ''], global, signal, openBox, write }) {
    const box = await openBox();
    const { image } = await box.inspect(reference, { signal });
    const steps = layerSteps(image);
    if (global.json) {
      const rows = image.layers.map((layer, index) => ({ ...layer, history: steps[index] }));
      write(`${toJson(rows, 2)}\n`);
    } else if (global.quiet) {
      for (const layer of image.layers) write(`${layer.diffId}\n`);
    } else {
      const rows = image.layers.map((layer, index) => [
        shortDigest(layer.diffId),
        formatBytes(layer.descriptor.size),
        escapeControls((steps[index]?.created_by ?? '').slice(0, 100)),
      ]);
      write(formatTable(['DIFFID', 'SIZE', 'CREATED BY'], rows));
    }
    return 0;
  },
});

/** The steps of the history that made a layer, in the order of the layers. */
function layerSteps({ imageConfig }: Image): readonly HistoryEntry[] {
  return (imageConfig.history ?? []).filter((step) => step.empty_layer !== true);
}
