import { defineCommand } from '../command.ts';
import { toJson } from '../output/json.ts';
import { readTransferOptions, transferOptions } from './transfer-options.ts';

export const copy = defineCommand({
  name: 'copy',
  summary: 'copy an image from any place to any other',
  description: `A place is docker://HOST/NAME:TAG, docker-archive:FILE[:TAG], docker-archive:DIR/, oci:DIR[:TAG],
oci-archive:FILE[:TAG], dir:DIR, or a name without any of these, which is in the store (a source of that name that is not
there comes from its registry). Blobs pass through and are kept nowhere else; those that are there are skipped. Layers are
never compressed or decompressed, so that digests stay; --format and oci: may rewrite manifests, and say so. Prints the
digest of what the destination leads to now.`,
  options: transferOptions,
  operands: { usage: 'SRC DEST', min: 2, max: 2 },
  examples: [
    {
      line: 'box copy --all docker://alpine docker://127.0.0.1:5000/alpine',
      what: 'from registry to registry, all platforms',
    },
    { line: 'box copy alpine oci:layout:3.20', what: 'from the store into an OCI layout' },
    { line: 'box copy docker-archive:app.tar app:1', what: 'into the store, under a name' },
  ],
  async run({ values, operands: [source = '', destination = ''], global, signal, openBox, renderer, write }) {
    const box = await openBox();
    const copied = await box.copy(source, destination, { signal, ...readTransferOptions(values) });
    renderer.clear();
    write(global.json ? `${toJson(copied)}\n` : `${copied.descriptor.digest}\n`);
    return 0;
  },
});
