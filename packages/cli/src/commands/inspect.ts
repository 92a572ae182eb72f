import type { Box } from '@boxkit/box';
import { isBoxError } from '@boxkit/contracts';
import { defineCommand } from '../command.ts';
import { toJson } from '../output/json.ts';

export const inspect = defineCommand({
  name: 'inspect',
  summary: 'show what is known of an image or a container',
  description: `Prints a JSON list with, for each image, its record, its layers and its config as the image has it; where\nthere is no image of a name, the container of that name, as box ps --json has it.`,
  options: {},
  operands: { usage: 'REF|CONTAINER...', min: 1, max: Infinity },
  examples: [
    { line: 'box inspect alpine', what: 'all of it' },
    { line: "box inspect alpine | jq '.[0].config.config.Env'", what: 'its environment' },
  ],
  async run({ operands, signal, openBox, write }) {
    const box = await openBox();
    const found = [];
    for (const reference of operands) {
      found.push(await inspectOne(box, reference, signal));
    }
    write(`${toJson(found, 2)}\n`);
    return 0;
  },
});

async function inspectOne(box: Box, name: string, signal: AbortSignal): Promise<object> {
  try {
    const { stored, image } = await box.inspect(name, { signal });
    const { config, ...record } = stored;
    return { ...record, configDescriptor: config, config: image.imageConfig };
  } catch (error) {
    // what is no reference may be a container's name all the same
    if (!isBoxError(error, 'ERR_BOX_IMAGE_UNKNOWN') && !isBoxError(error, 'ERR_BOX_REFERENCE_INVALID')) throw error;
    return box.containers.get(name).catch(() => {
      throw error;
    });
  }
}
