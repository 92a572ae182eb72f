import { defineCommand } from '../command.ts';
import { toJson } from '../output/json.ts';
import { readDocument } from '../plumbing/read-document.ts';
import { platformOption } from './shared-options.ts';

export const manifest = defineCommand({
  name: 'manifest',
  summary: 'stage 2: blobs become an image; prints what `box apply` reads',
  description: `Reads what \`box fetch\` prints from FILE or standard input, walks index, manifest and config, and prints the image
as JSON (docs/reference/schemas/manifest.json).`,
  options: { platform: platformOption },
  operands: { usage: '[FILE]', min: 0, max: 1 },
  eventsTo: 'stderr',
  examples: [{ line: "box fetch alpine | box manifest | jq '.layers[].diffId'", what: 'its layers, lowest first' }],
  async run({ values: { platform }, operands: [file], signal, openBox, renderer, write }) {
    const input = await readDocument(file, 'fetch', signal);
    const box = await openBox();
    const document = await box.plumbing.manifest(input, { signal, ...(platform === undefined ? {} : { platform }) });
    renderer.clear();
    write(`${toJson(document, 2)}\n`);
    return 0;
  },
});
