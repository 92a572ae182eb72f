import { defineCommand } from '../command.ts';
import { toJson } from '../output/json.ts';
import { readTransferOptions, transferOptions } from './transfer-options.ts';

export const push = defineCommand({
  name: 'push',
  summary: 'write an image of the store to a registry',
  description: `Sends what the registry lacks of an image: blobs first, then manifests, the tag last, so that a push that
fails moves no tag. Blobs that another repository of the registry has are taken from there. Long blobs go in parts, and go on
where they were. Prints the digest of what the tag leads to now. Without DEST the image goes where its name says.`,
  options: transferOptions,
  operands: { usage: 'REF [DEST]', min: 1, max: 2 },
  examples: [
    { line: 'box push 127.0.0.1:5000/app:1', what: 'to the registry that its name says' },
    { line: 'box push app 127.0.0.1:5000/team/app:2', what: 'to another place, under another name' },
    {
      line: 'box push --format v2s2 app old.example:5000/app',
      what: "to a registry that takes Docker's manifests only",
    },
  ],
  async run({ values, operands: [reference = '', destination], global, signal, openBox, renderer, write }) {
    const box = await openBox();
    const pushed = await box.push(reference, destination, { signal, ...readTransferOptions(values) });
    renderer.clear();
    write(global.json ? `${toJson(pushed)}\n` : `${pushed.descriptor.digest}\n`);
    return 0;
  },
});
