import { readApplyLimits } from '../args/budgets.ts';
import { defineCommand } from '../command.ts';
import { writeBytes } from '../output/streams.ts';
import { budgetOption, platformOption, pullOption } from './shared-options.ts';
import type { PullChoice } from './shared-options.ts';

export const cat = defineCommand({
  name: 'cat',
  summary: 'print a file of an image',
  description: `Symlinks are followed inside the image only. Nothing is started, and of an image that was only pulled nothing is
extracted: the file is read out of its layer.`,
  options: { platform: platformOption, pull: pullOption, budget: budgetOption },
  operands: { usage: 'REF PATH', min: 2, max: 2 },
  eventsTo: 'stderr',
  examples: [{ line: 'box cat alpine /etc/os-release', what: 'fetched first when the store lacks it' }],
  async run({ values, operands: [reference = '', path = ''], signal, openBox, renderer }) {
    const box = await openBox();
    const bytes = box.readFile(reference, path, {
      signal,
      ...readApplyLimits(values),
      ...(values.platform === undefined ? {} : { platform: values.platform }),
      ...(values.pull === undefined ? {} : { pull: values.pull as NonNullable<PullChoice> }),
    });
    let first = true;
    for await (const chunk of bytes) {
      if (first) renderer.clear();
      first = false;
      await writeBytes('stdout', chunk);
    }
    return 0;
  },
});
