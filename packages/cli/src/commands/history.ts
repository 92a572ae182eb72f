import type { HistoryStep } from '@boxkit/box';
import { defineCommand } from '../command.ts';
import { lookOptions, readLookOptions } from '../look/open.ts';
import { escapeControls } from '../output/escape.ts';
import { formatAge, formatBytes, formatTable } from '../output/format.ts';
import { toJson } from '../output/json.ts';
import { writeTo } from '../output/streams.ts';

export const history = defineCommand({
  name: 'history',
  summary: 'show the steps that built an image',
  description: 'Newest first, as docker has it; # is the layer that the step made, if it made one.',
  options: lookOptions,
  operands: { usage: 'REF', min: 1, max: 1 },
  eventsTo: 'stderr',
  examples: [{ line: 'box history alpine', what: 'a table' }],
  async run(invocation) {
    const { global, operands, write, renderer } = invocation;
    const box = await invocation.openBox();
    await using look = await box.look(operands[0] ?? '', readLookOptions(invocation));
    renderer.clear();
    const steps = look.history().toReversed();
    if (global.json) {
      write(`${toJson(steps, 2)}\n`);
      return 0;
    }
    const rows = steps.map((step) => [
      step.layer === undefined ? '-' : String(step.layer.position),
      sizeOf(step),
      step.created === undefined ? '' : escapeControls(formatAge(step.created, Date.now())),
      escapeControls(step.created_by ?? step.comment ?? ''),
    ]);
    write(formatTable(['#', 'SIZE', 'CREATED', 'CREATED BY'], rows));
    const makers = steps.filter((step) => step.empty_layer !== true).length;
    const count = look.image.layers.length;
    if (makers !== count && !global.quiet) {
      writeTo(
        'stderr',
        `${makers} of these steps made a layer, and the image has ${count}: which made which is not known\n`,
      );
    }
    return 0;
  },
});

/** Of a step that made a layer, which one is not known, no size is told. */
function sizeOf({ layer, empty_layer }: HistoryStep): string {
  if (layer !== undefined) return formatBytes(layer.size);
  return empty_layer === true ? '0 B' : '-';
}
