import type { Box } from '@boxkit/box';
import { defineCommand } from '../command.ts';
import { usage } from '../args/parse.ts';
import { compressionOptions, readCompression } from '../make/compression.ts';
import { readOwner } from '../make/owner.ts';
import { writeBytes } from '../output/streams.ts';
import { toJson } from '../output/json.ts';

export const layer = defineCommand({
  name: 'layer',
  summary: 'make a layer of a directory, or of what differs between two',
  description: `create packs a directory; diff packs what makes NEW_DIR of BASE_DIR: what was added or changed, and whiteouts
for what has gone. Times, xattrs, hardlinks, holes and devices are kept. The same tree gives the same bytes: names are
sorted, times later than SOURCE_DATE_EPOCH are set to it, and owners are root unless --owner says otherwise (diff keeps
them always). \`box append\` makes an image of layers.`,
  options: {
    output: { type: 'value', short: 'o', placeholder: 'FILE', summary: 'write the layer there; - for standard output' },
    at: { type: 'value', placeholder: 'PATH', summary: 'create: where in the image the content goes (default: /)' },
    owner: { type: 'value', placeholder: 'UID:GID|keep', summary: 'create: who owns everything (default: 0:0)' },
    ...compressionOptions('how the layer is compressed (default: as the file is named)'),
  },
  operands: { usage: 'create DIR | diff BASE_DIR NEW_DIR', min: 2, max: 3 },
  eventsTo: 'stderr',
  examples: [
    { line: 'box layer create ./nix --at /nix -o layer.tar', what: 'then: box append alpine layer.tar --tag with-nix' },
    { line: 'box layer create rootfs --owner keep -o base.tar.zst', what: 'compressed, as the name says' },
    { line: 'box layer diff before after -o - | tar -tv', what: 'what a layer would hold' },
  ],
  async run({ values, operands: [action, ...directories], signal, global, openBox, write }) {
    const output = values.output;
    if (output === undefined) throw usage('no output was named', 'Give -o FILE, or -o - for the standard output.');
    const options = { signal, ...(output === '-' ? {} : { output }), ...readCompression(values) };
    const make = maker(action, directories, values, options);
    const box = await openBox();
    const bytes = make(box);
    if (output === '-') {
      for await (const chunk of bytes) await writeBytes('stdout', chunk);
      return 0;
    }
    const written = await box.layers.write(output, bytes, { signal });
    if (global.json) write(`${toJson(written)}\n`);
    return 0;
  },
});

interface LayerValues {
  readonly at: string | undefined;
  readonly owner: string | undefined;
}

function maker(
  action: string | undefined,
  [first = '', second]: readonly string[],
  { at, owner }: LayerValues,
  options: NonNullable<Parameters<Box['layers']['diff']>[2]>,
): (box: Box) => AsyncIterable<Uint8Array> {
  if (action === 'create') {
    if (second !== undefined) throw usage('`box layer create` takes one directory');
    const how = { ...options, ...(at === undefined ? {} : { at }), ...readOwner(owner) };
    return (box) => box.layers.create(first, how);
  }
  if (action !== 'diff') throw usage(`there is no \`box layer ${action}\``, 'Known are create and diff.');
  if (second === undefined) throw usage('`box layer diff` takes two directories');
  if (at !== undefined || owner !== undefined) throw usage('--at and --owner are for `box layer create`');
  return (box) => box.layers.diff(first, second, options);
}
