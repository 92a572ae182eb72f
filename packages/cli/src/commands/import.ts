import { resolve } from 'node:path';
import { defineCommand } from '../command.ts';
import { readInstructions } from '../make/changes.ts';
import { compressionOptions, readCompression } from '../make/compression.ts';
import { printMade } from '../make/options.ts';
import { platformOption } from './shared-options.ts';

export const importCommand = defineCommand({
  name: 'import',
  summary: 'make an image of a tar of a root file system',
  description: `The image has one layer: the tar, plain or compressed by gzip, zstd, xz, bzip2, lzip or lz4 (the last four by their own
programs), as \`box export\`, \`docker export\`, debootstrap or tar write it. - is standard input. Without NEW it is called
as the file is. Prints the digest of the new manifest.`,
  options: {
    change: { type: 'list', short: 'c', placeholder: 'INSTRUCTION', summary: "a Dockerfile's line: 'CMD [\"sh\"]'" },
    message: { type: 'value', short: 'm', placeholder: 'TEXT', summary: 'a remark in the history' },
    platform: platformOption,
    ...compressionOptions('how the layer is compressed (default: gzip)'),
  },
  operands: { usage: 'FILE|- [NEW]', min: 1, max: 2 },
  examples: [
    { line: 'box import rootfs.tar.xz', what: 'as the image rootfs' },
    { line: `box export web | box import -c 'CMD ["sh"]' - web:flat`, what: 'a container as one layer' },
    { line: 'box import --platform linux/arm64 rootfs.tar board', what: 'for another machine' },
  ],
  async run(invocation) {
    const { values, operands, signal, openBox } = invocation;
    const [file = '', tag] = operands;
    const changes = readInstructions(values.change);
    const options = readCompression(values);
    const box = await openBox();
    const made = await box.import(file === '-' ? process.stdin : resolve(file), {
      signal,
      changes,
      ...options,
      ...(tag !== undefined && { tag }),
      ...(values.message !== undefined && { message: values.message }),
      ...(values.platform !== undefined && { platform: values.platform }),
    });
    printMade(made, invocation as never);
    return 0;
  },
});
