import { resolve } from 'node:path';
import { readApplyLimits } from '../args/budgets.ts';
import { usage } from '../args/parse.ts';
import { defineCommand } from '../command.ts';
import { toJson } from '../output/json.ts';
import { budgetOption, strictOption } from './shared-options.ts';
import { readDocument } from '../plumbing/read-document.ts';

export const apply = defineCommand({
  name: 'apply',
  summary: 'stage 3: an image becomes a rootfs; prints what `box isolate` reads',
  description: `Reads what \`box manifest\` prints from FILE or standard input, applies the layers in order, and prints the rootfs as
JSON (docs/reference/schemas/apply.json). Without --to it belongs to a new container, which \`box launch\` uses and
\`box rm\` removes.`,
  options: {
    to: { type: 'value', placeholder: 'DIR', summary: 'make a plain directory, missing or empty' },
    name: { type: 'value', placeholder: 'NAME', summary: "the container's name" },
    'rootfs-driver': { type: 'value', placeholder: 'DRIVER', summary: "auto, overlay, merge or a plugin's" },
    budget: budgetOption,
    strict: strictOption,
  },
  operands: { usage: '[FILE]', min: 0, max: 1 },
  eventsTo: 'stderr',
  examples: [
    { line: 'box fetch alpine | box manifest | box apply --to my_pod', what: 'the same as box unpack' },
    { line: "box manifest f.json | jq '.layers |= .[:2]' | box apply --to my_pod", what: 'the lowest two layers' },
  ],
  async run({ values, operands: [file], signal, openBox, renderer, write }) {
    const { to, name, 'rootfs-driver': driver } = values;
    if (to !== undefined && name !== undefined) throw usage('--name is for a container, and --to makes none');
    const input = await readDocument(file, 'manifest', signal);
    const box = await openBox();
    const document = await box.plumbing.apply(input, {
      signal,
      ...readApplyLimits(values),
      ...(to === undefined ? {} : { directory: resolve(to) }),
      ...(name === undefined ? {} : { name }),
      ...(driver === undefined || driver === 'auto' ? {} : { driver }),
    });
    renderer.clear();
    write(`${toJson(document, 2)}\n`);
    return 0;
  },
});
