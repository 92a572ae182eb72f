import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  BoxError,
  MediaType,
  type BlobReader,
  type BoxEvent,
  type Descriptor,
  type Digest,
  type FetchedImage,
  type StageContext,
  type StoredImage,
} from '@boxkit/contracts';
import { parsePlatform } from './platform.ts';
import { readManifest } from './read-manifest.ts';
import { parseReference } from './reference.ts';
import { describeStoredImage } from './stored-image.ts';

const blobs = new Map<string, Uint8Array>();

function put(value: unknown, mediaType: string, extra: Partial<Descriptor> = {}): Descriptor {
  const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
  blobs.set(digest, bytes);
  return { mediaType, digest, size: bytes.length, ...extra };
}

const reader: BlobReader = {
  open: () => {
    throw new Error('no layer is opened here');
  },
  read: async (descriptor) => {
    const bytes = blobs.get(descriptor.digest);
    if (bytes === undefined) throw new BoxError('ERR_BOX_BLOB_MISSING', `no ${descriptor.digest}`);
    return await Promise.resolve(bytes);
  },
};

const diffIds = ['1', '2'].map((digit) => `sha256:${digit.repeat(64)}`);
const layer = (digit: string): unknown => ({
  mediaType: MediaType.ociLayerGzip,
  digest: `sha256:${digit.repeat(64)}`,
  size: 10,
});

function image(
  platform: string,
  options: { config?: object; manifest?: object; entry?: Partial<Descriptor> } = {},
): Descriptor {
  const { os, architecture, variant } = parsePlatform(platform);
  const config = put(
    {
      os,
      architecture,
      variant,
      rootfs: { type: 'layers', diff_ids: diffIds },
      config: { Cmd: 'sh', Env: null },
      'x-kept': [platform],
      ...options.config,
    },
    MediaType.ociConfig,
  );
  const manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config,
    layers: [layer('a'), layer('b')],
    ...options.manifest,
  };
  return put(manifest, MediaType.ociManifest, { platform: parsePlatform(platform), ...options.entry });
}

const index = (manifests: readonly unknown[], extra: object = {}): Descriptor =>
  put({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests, ...extra }, MediaType.ociIndex);

async function read(root: Descriptor, platform?: string, stored: StoredImage[] = []) {
  const events: BoxEvent[] = [];
  const input: FetchedImage = {
    reference: parseReference('q.io/app:1'),
    descriptor: root,
    blobs: reader,
    ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
  };
  const context = {
    signal: new AbortController().signal,
    emit: (event: BoxEvent) => events.push(event),
    store: {
      images: { get: async () => await Promise.resolve(stored[0]) },
      blobs: { has: async () => await Promise.resolve(true) },
    },
  } as unknown as StageContext;
  return { image: await readManifest().run(input, context), events };
}

const expectFailure = async (root: Descriptor, code: string, message: string | RegExp, platform = 'linux/amd64') => {
  const text: unknown = message instanceof RegExp ? expect.stringMatching(message) : expect.stringContaining(message);
  await expect(read(root, platform)).rejects.toThrow(expect.objectContaining({ code, message: text }));
};

describe('readManifest', () => {
  it('walks from an index over a nested one to the image, and keeps unknown fields', async () => {
    const inner = index([image('linux/arm/v6'), image('linux/arm/v7')]);
    const root = index([image('linux/amd64'), { ...inner, platform: undefined }]);
    const { image: found } = await read(root, 'linux/arm/v7');
    expect(found.platform).toEqual({ os: 'linux', architecture: 'arm', variant: 'v7' });
    expect(found.imageConfig['x-kept']).toEqual(['linux/arm/v7']);
    expect(found.imageConfig.config?.Cmd).toEqual(['sh']);
    expect(found.documents?.map((document) => document.digest)).toEqual([
      root.digest,
      inner.digest,
      found.manifest.digest,
    ]);
    expect(found.layers[1]?.chainId).toBe(`sha256:${createHash('sha256').update(diffIds.join(' ')).digest('hex')}`);
    expect(found.layers[0]?.chainId).toBe(diffIds[0]);
  });

  it('lists what there is when a platform is missing, attestations left out', async () => {
    const attestation = image('linux/amd64', {
      entry: { platform: { os: 'unknown', architecture: 'unknown' } },
    });
    await expectFailure(
      index([image('linux/arm64'), attestation, image('linux/s390x')]),
      'ERR_BOX_PLATFORM_MISSING',
      'cannot find linux/amd64 in q.io/app:1: it has linux/arm64, linux/s390x',
    );
    await expectFailure(index([]), 'ERR_BOX_PLATFORM_MISSING', 'it has no images at all');
    await expectFailure(image('linux/arm64'), 'ERR_BOX_PLATFORM_MISSING', 'it has linux/arm64');
  });

  it('asks the configuration where entries name no platform', async () => {
    const bare = (platform: string) => ({ ...image(platform), platform: undefined });
    const { image: found } = await read(index([bare('linux/arm64'), bare('linux/amd64')]), 'linux/amd64');
    expect(found.platform.architecture).toBe('amd64');
  });

  it('warns of an image for another machine when no platform was asked for', async () => {
    const { events } = await read(image('linux/s390x'));
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'platform-foreign' }));
  });

  it('reports a wrong field by its path', async () => {
    await expectFailure(
      index([
        image('linux/amd64'),
        image('linux/arm64'),
        { mediaType: MediaType.ociManifest, digest: 'sha256:XYZ', size: 3 },
      ]),
      'ERR_BOX_DOCUMENT_INVALID',
      'manifests[2].digest: is no digest',
    );
    await expectFailure(
      index([{ mediaType: MediaType.ociManifest, digest: diffIds[0], size: -1 }]),
      'ERR_BOX_DOCUMENT_INVALID',
      'manifests[0].size: is negative',
    );
    await expectFailure(
      image('linux/amd64', { config: { config: { Labels: { 'a b': 1 } } } }),
      'ERR_BOX_DOCUMENT_INVALID',
      'config.Labels["a b"]: ',
    );
    await expectFailure(
      image('linux/amd64', { config: { rootfs: { type: 'layers', diff_ids: ['x'] } } }),
      'ERR_BOX_DOCUMENT_INVALID',
      'rootfs.diff_ids[0]: is no digest',
    );
  });

  it('refuses a layer count that does not fit the configuration', async () => {
    await expectFailure(
      image('linux/amd64', { manifest: { layers: [layer('a')] } }),
      'ERR_BOX_DOCUMENT_INVALID',
      'has 1 layers, but its configuration has rootfs.diff_ids for 2',
    );
  });

  it('recognises schema 1 and artifacts and refuses them in words', async () => {
    const old = put({ schemaVersion: 1, name: 'x', fsLayers: [] }, MediaType.dockerManifestV1Signed);
    await expectFailure(old, 'ERR_BOX_DOCUMENT_UNSUPPORTED', 'schema 1');
    await expectFailure({ ...old, mediaType: 'application/json' }, 'ERR_BOX_DOCUMENT_UNSUPPORTED', 'schema 1');
    await expectFailure(
      index([
        { ...old, platform: parsePlatform('linux/arm64') },
        { ...old, mediaType: MediaType.dockerManifestV1 },
      ]),
      'ERR_BOX_DOCUMENT_UNSUPPORTED',
      'schema 1',
    );
    const helm = { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: diffIds[0], size: 2 };
    await expectFailure(
      image('linux/amd64', { manifest: { config: helm } }),
      'ERR_BOX_DOCUMENT_UNSUPPORTED',
      'artifact of type "application/vnd.cncf.helm.config.v1+json"',
    );
    const sealed = { ...(layer('a') as object), mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted' };
    await expectFailure(
      image('linux/amd64', { manifest: { layers: [sealed, layer('b')] } }),
      'ERR_BOX_DOCUMENT_UNSUPPORTED',
      'layers[0] is encrypted',
    );
  });

  it('refuses documents whose type, announcement and shape disagree', async () => {
    await expectFailure(
      { ...image('linux/amd64'), mediaType: MediaType.dockerManifest },
      'ERR_BOX_DOCUMENT_INVALID',
      'announced as',
    );
    await expectFailure(
      { ...index([]), mediaType: MediaType.ociManifest },
      'ERR_BOX_DOCUMENT_INVALID',
      'shape of an index',
    );
    await expectFailure(
      image('linux/amd64', { manifest: { mediaType: MediaType.ociIndex } }),
      'ERR_BOX_DOCUMENT_INVALID',
      'shape of a manifest',
    );
    await expectFailure(index([], { layers: [] }), 'ERR_BOX_DOCUMENT_INVALID', 'of an index and of a manifest');
    await expectFailure(put([], MediaType.ociIndex), 'ERR_BOX_DOCUMENT_INVALID', 'no object');
    await expectFailure(put({}, MediaType.ociIndex), 'ERR_BOX_DOCUMENT_INVALID', 'neither');
    await expectFailure(put('<html>', 'text/html'), 'ERR_BOX_DOCUMENT_INVALID', '<html>');
  });

  it('takes the document at its word when the announcement is generic', async () => {
    const { image: found } = await read({ ...image('linux/amd64'), mediaType: 'text/plain' }, 'linux/amd64');
    expect(found.manifest.mediaType).toBe(MediaType.ociManifest);
  });

  it('bounds how deep indexes nest', async () => {
    let root = index([image('linux/amd64')]);
    for (let level = 0; level < 9; level++) root = index([{ ...root, platform: undefined }]);
    await expectFailure(root, 'ERR_BOX_DOCUMENT_INVALID', 'nest deeper than 8 levels');
  });

  it('refuses an index that contains itself', async () => {
    const self = index([image('linux/amd64')]);
    blobs.set(
      self.digest,
      Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [{ ...self, platform: undefined }] })),
    );
    await expectFailure(self, 'ERR_BOX_DOCUMENT_INVALID', 'contains itself');
    blobs.delete(self.digest);
  });

  it('gives a stored image back without reading its manifest again', async () => {
    const root = index([image('linux/amd64'), image('linux/arm64')]);
    const first = (await read(root, 'linux/amd64')).image;
    const stored = describeStoredImage(first);
    blobs.delete(root.digest);
    const again = (await read(root, 'linux/amd64', [stored])).image;
    expect(again).toEqual(first);
    expect(describeStoredImage(again).blobs).toEqual(stored.blobs);
    await expect(read(root, 'linux/arm64', [stored])).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BOX_BLOB_MISSING' }),
    );
  });
});
