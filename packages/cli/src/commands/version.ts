import { readFile } from 'node:fs/promises';
import { defineCommand } from '../command.ts';
import { toJson } from '../output/json.ts';

export const version = defineCommand({
  name: 'version',
  summary: 'show the version',
  options: {},
  operands: { usage: '', min: 0, max: 0 },
  examples: [{ line: 'box version', what: 'of box and of the Node it runs on' }],
  async run({ global, write }) {
    const box = await ownVersion();
    const node = process.versions.node;
    write(global.json ? `${toJson({ box, node })}\n` : `box ${box} (Node ${node})\n`);
    return 0;
  },
});

async function ownVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
