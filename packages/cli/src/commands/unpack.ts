import { readApplyLimits } from '../args/budgets.ts';
import { defineCommand } from '../command.ts';
import { budgetOption, platformOption, pullOption, strictOption } from './shared-options.ts';
import type { PullChoice } from './shared-options.ts';

export const unpack = defineCommand({
  name: 'unpack',
  summary: 'make a plain directory of an image',
  description: `Fetches an image and applies its layers, in order, to a directory, which is made when it is missing
and must be empty otherwise.`,
  options: { platform: platformOption, pull: pullOption, budget: budgetOption, strict: strictOption },
  operands: { usage: 'REF DIR', min: 2, max: 2 },
  examples: [
    { line: 'box unpack alpine my_pod', what: 'a root file system in my_pod/' },
    { line: 'box unpack docker-archive:saved.tar my_pod', what: 'of what `docker save` wrote' },
    { line: 'box unpack --budget bytes=2g --strict alpine my_pod', what: 'at most so much, and with all it has' },
    { line: 'box unpack --platform linux/arm/v7 debian my_pod', what: 'for another machine' },
  ],
  async run({ values, operands: [reference = '', directory = ''], signal, openBox, renderer }) {
    const box = await openBox();
    await box.unpack(reference, directory, {
      signal,
      ...readApplyLimits(values),
      ...(values.platform === undefined ? {} : { platform: values.platform }),
      ...(values.pull === undefined ? {} : { pull: values.pull as NonNullable<PullChoice> }),
    });
    renderer.clear();
    return 0;
  },
});
