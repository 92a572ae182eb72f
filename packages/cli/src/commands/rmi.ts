import { defineCommand } from '../command.ts';
import { toJson } from '../output/json.ts';
import { forEach } from '../run/for-each.ts';

export const rmi = defineCommand({
  name: 'rmi',
  summary: 'take names of images away',
  description: `What no name needs any more is freed by \`box prune\`. An image that has one name goes by the beginning of its digest,
too, as \`box images\` shows it. One that fails keeps none of the others from it.`,
  options: {},
  operands: { usage: 'REF...', min: 1, max: Infinity },
  examples: [
    { line: 'box rmi alpine:3.20 base', what: 'two names' },
    { line: 'box rmi beefdbd8a1da', what: 'by its digest' },
  ],
  async run({ operands, openBox, write, global }) {
    const removed: { readonly reference: string; readonly digest: string }[] = [];
    const quiet = { write, global: { ...global, quiet: global.quiet || global.json } };
    const status = await forEach(operands, quiet, async (name) => {
      const { reference, manifest } = await (await openBox()).remove(name);
      removed.push({ reference, digest: manifest.digest });
      return reference;
    });
    if (global.json) write(`${toJson(removed, 2)}\n`);
    return status;
  },
});
