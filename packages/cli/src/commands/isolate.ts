import { usage } from '../args/parse.ts';
import { defineCommand } from '../command.ts';
import { toJson } from '../output/json.ts';
import { processOptions, readProcessOptions } from '../plumbing/process-options.ts';
import { readDocument } from '../plumbing/read-document.ts';

export const isolate = defineCommand({
  name: 'isolate',
  summary: 'stage 4: a rootfs becomes a launch plan; prints what `box launch` reads',
  description: `Reads what \`box apply\` prints from FILE or standard input, and prints, as JSON, the bundle and the plan by which its
container is started (docs/reference/schemas/isolate.json). Starts nothing. ARG... is what to run, as for \`box run\`.`,
  options: {
    backend: { type: 'value', placeholder: 'BACKEND', summary: "auto, unshare, bubblewrap, chroot or a plugin's" },
    file: { type: 'value', placeholder: 'FILE', summary: 'read this instead of standard input' },
    ...processOptions,
  },
  operands: { usage: '[--] [ARG...]', min: 0, max: Infinity, endOptions: true },
  eventsTo: 'stderr',
  examples: [
    { line: 'box isolate --backend unshare -- /bin/sh < applied.json', what: 'a plan for a shell' },
    { line: "box isolate -- ls < applied.json | jq '.plan.argv'", what: 'what the host is to execute' },
  ],
  async run({ values, operands, signal, openBox, renderer, write }) {
    const { backend, file, ...others } = values;
    if (backend === '') throw usage('option --backend needs a name');
    const args = operands[0] === '--' ? operands.slice(1) : operands;
    const options = await readProcessOptions(others, backend, args);
    const input = await readDocument(file, 'apply', signal);
    const box = await openBox();
    const document = await box.plumbing.isolate(input, { ...options, signal });
    renderer.clear();
    write(`${toJson(document, 2)}\n`);
    return 0;
  },
});
