import type { ImagePath } from '@boxkit/box';
import { defineCommand } from '../command.ts';
import { formatPath } from '../look/format-path.ts';
import { lookOptions, openLook } from '../look/open.ts';
import { streamJson, streamLines } from '../look/stream.ts';
import { escapeControls } from '../output/escape.ts';

const types = {
  f: ['file', 'hardlink'],
  d: ['directory'],
  l: ['symlink'],
  c: ['character-device'],
  b: ['block-device'],
  p: ['fifo'],
} as const;

export const find = defineCommand({
  name: 'find',
  summary: 'find paths of an image by their name',
  description: `Prints the paths whose last name PATTERN fits, or whose whole path it fits when it has a slash (* and ? as in a shell; *
passes slashes too). Layer by layer from the top, in the order of each layer's tar.`,
  options: {
    type: {
      type: 'value',
      placeholder: 'f|d|l|c|b|p',
      choices: ['f', 'd', 'l', 'c', 'b', 'p'],
      summary: 'only this type',
    },
    setuid: { type: 'flag', summary: 'only files that are setuid or setgid' },
    long: { type: 'flag', short: 'l', summary: 'print them as box ls does' },
    ...lookOptions,
  },
  operands: { usage: 'REF [PATTERN]', min: 1, max: 2 },
  eventsTo: 'stderr',
  examples: [
    { line: "box find alpine '*.conf'", what: 'wherever it is' },
    { line: 'box find -l --setuid debian', what: 'what could gain privileges' },
  ],
  async run(invocation) {
    const { values, operands, global, signal } = invocation;
    const { look } = await openLook({ ...invocation, operands: operands.slice(0, 1) });
    await using disposing = look;
    void disposing;
    const wanted: readonly string[] | undefined =
      values.type === undefined ? undefined : types[values.type as keyof typeof types];
    const fits = ({ type, mode }: ImagePath): boolean =>
      (wanted === undefined || wanted.includes(type)) &&
      (!values.setuid || (type === 'file' && (Number.parseInt(mode, 8) & 0o6000) !== 0));
    const found = filter(look.find(operands[1] ?? '*'), fits);
    if (global.json) await streamJson(found, signal);
    else await streamLines(shownAs(found, values.long), signal);
    return 0;
  },
});

function* filter(
  paths: Iterable<ImagePath>,
  fits: (path: ImagePath) => boolean,
): Generator<ImagePath, void, undefined> {
  for (const path of paths) if (fits(path)) yield path;
}

function* shownAs(paths: Iterable<ImagePath>, long: boolean): Generator<string, void, undefined> {
  for (const path of paths) yield long ? formatPath(path) : escapeControls(path.path);
}
