import { defineCommand } from '../command.ts';
import { usage } from '../args/parse.ts';
import { compressionOptions, readCompression } from '../make/compression.ts';
import { standardOutput } from '../output/streams.ts';
import { platformOption } from './shared-options.ts';

const formats = {
  docker: 'docker-archive',
  'docker-archive': 'docker-archive',
  oci: 'oci-archive',
  'oci-archive': 'oci-archive',
} as const;

export const save = defineCommand({
  name: 'save',
  summary: 'write images as one archive',
  description: `Writes images with their names as a tar that docker, podman and skopeo load and that is an OCI image layout
too; with --format oci as a layout with the OCI's manifests alone. The same images make the same bytes, on each run and
machine. Layers stay compressed as they are, so that their digests stay; the archive as a whole is compressed where its
name ends in .gz, .tgz or .zst, or --compression says so. A file that is there is replaced whole.`,
  options: {
    output: { type: 'value', short: 'o', placeholder: 'FILE', summary: 'write to FILE (default: standard output)' },
    format: {
      type: 'value',
      placeholder: 'docker|oci',
      choices: Object.keys(formats),
      summary: 'the kind of archive: docker (default) or oci',
    },
    ...compressionOptions('how the whole archive is compressed, on all processors (default: as the file is named)'),
    platform: platformOption,
    all: { type: 'flag', short: 'a', summary: 'all platforms of each image; with --format oci' },
  },
  operands: { usage: 'REF...', min: 1, max: Number.POSITIVE_INFINITY },
  examples: [
    { line: 'box save alpine -o alpine.tar', what: 'for docker load, podman load, box load' },
    { line: 'box save app:1 app:2 -o apps.tar.gz', what: 'two images in one archive, their shared layers once' },
    { line: 'box save --format oci alpine -o alpine.oci.tar', what: 'for tools that read OCI archives' },
  ],
  eventsTo: 'stderr',
  async run({ values, operands, signal, openBox, renderer }) {
    const { output, platform } = values;
    if (output === undefined && process.stdout.isTTY) {
      throw usage('an archive is nothing for a terminal', 'Give -o FILE, or lead the output elsewhere.');
    }
    const compression = readCompression(values);
    const format = values.format === undefined ? undefined : formats[values.format as keyof typeof formats];
    const box = await openBox();
    await box.save(operands, {
      signal,
      to: output ?? standardOutput(),
      ...compression,
      ...(format === undefined ? {} : { format }),
      ...(platform === undefined ? {} : { platform }),
      ...(values.all ? { all: true } : {}),
    });
    renderer.clear();
    return 0;
  },
});
