import { defineCommand } from '../command.ts';
import { escapeControls } from '../output/escape.ts';
import { toJson } from '../output/json.ts';

export const logout = defineCommand({
  name: 'logout',
  summary: "forget a registry's user name and password",
  description: 'Ends with status 1 when there was nothing to forget.',
  options: {},
  operands: { usage: '[REGISTRY]', min: 0, max: 1 },
  examples: [{ line: 'box logout ghcr.io', what: 'wherever they were kept' }],
  async run({ operands: [registry = 'docker.io'], global, signal, openBox, write }) {
    const box = await openBox();
    const places = await box.logout(registry, { signal });
    if (global.json) write(`${toJson({ registry, places })}\n`);
    else if (!global.quiet) {
      const where = places.length === 0 ? 'there was nothing to forget' : `removed from ${places.join(', ')}`;
      write(`${escapeControls(`${registry}: ${where}`)}\n`);
    }
    return places.length === 0 ? 1 : 0;
  },
});
