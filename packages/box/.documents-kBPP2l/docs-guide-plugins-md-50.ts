import { createHash } from 'node:crypto';
import { BoxError, createBox, definePlugin, MediaType, parseDigest } from '@boxkit/box';
import type { Descriptor, ImageSource } from '@boxkit/box';

const blobs = new Map<string, Uint8Array>();

function keep(mediaType: string, content: unknown): Descriptor {
  const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
  const digest = parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
  blobs.set(digest, bytes);
  return { mediaType, digest, size: bytes.length };
}

const emptyTar = new Uint8Array(1024);
const layer = keep(MediaType.ociLayer, emptyTar);
const config = keep(MediaType.ociConfig, {
  os: 'linux',
  architecture: process.arch === 'x64' ? 'amd64' : process.arch,
  rootfs: { type: 'layers', diff_ids: [layer.digest] },
  config: { Cmd: ['/bin/true'] },
});
const manifest = keep(MediaType.ociManifest, { schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers: [layer] });

const memory: ImageSource = {
  scheme: 'memory',
  description: 'an image that this program holds',
  resolve: async () => ({
    descriptor: manifest,
    async open(descriptor, { offset = 0 }) {
      const bytes = blobs.get(descriptor.digest);
      if (bytes === undefined) throw new BoxError('ERR_BOX_BLOB_MISSING', `no blob ${descriptor.digest}`);
      return {
        startedAt: offset,
        async *[Symbol.asyncIterator]() {
          yield bytes.subarray(offset);
        },
      };
    },
    async [Symbol.asyncDispose]() {},
  }),
};

const plugin = definePlugin({ name: 'memory-source', setup: (host) => host.addSource(memory) });
await using box = await createBox({ plugins: [plugin] });
const stored = await box.pull('memory:anything');
console.log(stored.layers.length, stored.root.digest);
