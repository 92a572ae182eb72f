import { defineCommand } from '../command.ts';
import { platformOption } from './shared-options.ts';

export const pull = defineCommand({
  name: 'pull',
  summary: 'fetch an image and keep it',
  description: `Fetches what the store lacks of an image, verifies it, and gives it its name. Prints the digest of
the image. A pull that was stopped goes on where it was.`,
  options: {
    platform: platformOption,
    to: {
      type: 'value',
      placeholder: 'KIND:PATH',
      summary: 'write it there too: docker-archive:, oci:, oci-archive:, dir:',
    },
    index: { type: 'flag', summary: 'list the entries of each layer meanwhile, for layers, why, tree ...' },
  },
  operands: { usage: 'REF', min: 1, max: 1 },
  examples: [
    { line: 'box pull alpine', what: 'from Docker Hub' },
    { line: 'box pull 127.0.0.1:5000/debian:bookworm', what: 'from a registry on this machine' },
    { line: 'box pull --platform linux/arm64 alpine', what: 'for another machine' },
    { line: 'box pull alpine --to docker-archive:frozen/', what: "and write a directory as moby's script does" },
    { line: 'box pull oci:./layout:latest', what: 'from an OCI layout on disk' },
  ],
  async run({ values, operands: [reference = ''], global, signal, openBox, renderer, write }) {
    const box = await openBox();
    const platform = values.platform === undefined ? {} : { platform: values.platform };
    const stored = await box.pull(reference, {
      signal,
      ...platform,
      ...(values.to === undefined ? {} : { to: values.to }),
      index: values.index,
    });
    renderer.clear();
    if (!global.json) write(`${stored.root.digest}\n`);
    return 0;
  },
});
