import { defineCommand } from '../command.ts';
import { usage } from '../args/parse.ts';
import { toJson } from '../output/json.ts';
import { platformOption } from './shared-options.ts';

export const load = defineCommand({
  name: 'load',
  summary: 'bring the images of an archive into the store',
  description: `Reads what docker, podman, skopeo and box save: docker's archives and OCI image layouts, as files (compressed
by gzip or zstd, or not), as directories, or from standard input. Every image comes under all the names that it has there;
prints them, one in a line.`,
  options: {
    input: {
      type: 'value',
      short: 'i',
      placeholder: 'FILE',
      summary: 'read FILE or a directory (default: standard input)',
    },
    tag: {
      type: 'value',
      short: 't',
      placeholder: 'NAME',
      summary: 'call the image NAME, for an archive of one image',
    },
    platform: platformOption,
  },
  operands: { usage: '[FILE]', min: 0, max: 1 },
  examples: [
    { line: 'box load -i app.tar', what: 'what `box save`, `docker save` or `podman save` wrote' },
    { line: 'gunzip -c app.tar.gz | box load', what: 'from a pipe; `box load app.tar.gz` does the same' },
    { line: 'box load -t app:1 nameless.tar', what: 'an image that has no name in its archive' },
  ],
  async run({ values, operands, global, signal, openBox, renderer, write }) {
    const { tag, platform } = values;
    const input = values.input ?? operands[0];
    if (values.input !== undefined && operands.length > 0) throw usage('the archive is named twice');
    const stdin = input === undefined || input === '-';
    if (stdin && process.stdin.isTTY) throw usage('there is no archive to load', 'Give -i FILE, or lead one in.');
    const box = await openBox();
    const loaded = await box.load(stdin ? process.stdin : input, {
      signal,
      ...(tag === undefined ? {} : { tag }),
      ...(platform === undefined ? {} : { platform }),
    });
    renderer.clear();
    const names = loaded.flatMap((image) => image.names);
    write(global.json ? `${toJson(loaded)}\n` : names.map((name) => `${name}\n`).join(''));
    return 0;
  },
});
