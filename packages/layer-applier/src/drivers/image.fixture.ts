import { MediaType, parseDigest, type Image, type Layer, type Reference } from '@boxkit/contracts';
import { chainIds } from '@boxkit/manifest';
import type { BuiltLayer } from '@boxkit/testkit';

/** An image of layers in memory, as the manifest stage would hand it on. */
export function imageOf(built: readonly BuiltLayer[]): Image {
  const chain = chainIds(built.map(({ diffId }) => diffId));
  const layers = built.map(({ descriptor, diffId }, position): Layer => {
    const chainId = chain[position];
    if (chainId === undefined) throw new Error('a chainID for each layer');
    return { descriptor, diffId, chainId };
  });
  const none = { mediaType: MediaType.ociManifest, digest: parseDigest(`sha256:${'0'.repeat(64)}`), size: 0 };
  return {
    reference: { scheme: 'test', location: 'image', text: 'test:image' } as Reference,
    root: none,
    manifest: none,
    config: none,
    platform: { os: 'linux', architecture: 'amd64' },
    layers,
    imageConfig: {
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    },
    blobs: {
      open: ({ digest }) => ({
        path: undefined,
        async *[Symbol.asyncIterator]() {
          const layer = built.find(({ descriptor }) => descriptor.digest === digest);
          if (layer === undefined) throw new Error(`no blob ${digest}`);
          // In pieces, as a network has them.
          for (let at = 0; at < layer.bytes.length; at += 65_536) yield layer.bytes.subarray(at, at + 65_536);
        },
      }),
      read: async () => Promise.reject(new Error('only layers')),
    },
  };
}
