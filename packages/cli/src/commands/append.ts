import { resolve } from 'node:path';
import { defineCommand } from '../command.ts';
import { compressionOptions, readCompression } from '../make/compression.ts';
import { makeOptions, printMade, readMakeOptions } from '../make/options.ts';

export const append = defineCommand({
  name: 'append',
  summary: 'make an image of another and of layers on top of it',
  description: `Each LAYER is a tar, plain or compressed by gzip or zstd, as \`box layer create\` and \`box layer diff\` make them; the
lowest comes first, and - is standard input. The new image has the configuration of REF, in the same format (OCI's or
Docker's; a zstd layer makes Docker's OCI's, which alone has a name for it), and a step in the history for each layer.
Layers are kept as they come unless --compression says otherwise. Prints the digest of the new manifest.`,
  options: {
    ...makeOptions,
    ...compressionOptions('how layers are compressed (default: keep, as they come)', 'keep'),
    'created-by': { type: 'value', placeholder: 'TEXT', summary: 'what the history says that made the layers' },
  },
  operands: { usage: 'REF LAYER...', min: 2, max: Infinity },
  examples: [
    { line: 'box append debian layer.tar --tag debian-nix', what: 'into the store' },
    { line: 'box append alpine a.tar b.tar.gz --tag docker://127.0.0.1:5000/app:2', what: 'into a registry' },
    { line: 'box append alpine a.tar --tag docker-archive:frozen/', what: 'as a frozen directory' },
    { line: 'tar -C site -c . | box append nginx - --tag site', what: 'a layer from another program' },
  ],
  async run(invocation) {
    const { values, operands, openBox } = invocation;
    const [reference = '', ...layers] = operands;
    const kept = values.compression === 'keep';
    const box = await openBox();
    const made = await box.append(
      reference,
      layers.map((layer) => (layer === '-' ? process.stdin : resolve(layer))),
      {
        ...readMakeOptions(invocation),
        ...readCompression({ ...values, compression: kept ? undefined : values.compression }),
        ...(values['created-by'] !== undefined && { createdBy: values['created-by'] }),
      },
    );
    printMade(made, invocation);
    return 0;
  },
});
