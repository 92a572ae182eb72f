import { createHash } from 'node:crypto';
import { MediaType, parseDiffId, parseDigest, type Descriptor } from '@boxkit/contracts';
import { describe, expect, it } from 'vitest';
import { parseDocument, parseImageConfig } from '../documents.ts';
import { creationTime } from './created.ts';
import { editImage, emptyImage, type ImageDocuments, type ImageEdit } from './edit-image.ts';

const created = new Date('2024-01-02T03:04:05Z');
const digestOf = (text: string) => parseDigest(`sha256:${createHash('sha256').update(text).digest('hex')}`);
const layer = (name: string, mediaType: string = MediaType.ociLayerGzip) => ({
  descriptor: { mediaType, digest: digestOf(name), size: 10 } as Descriptor,
  diffId: parseDiffId(digestOf(`${name} tar`)),
  history: { created_by: `make ${name}` },
});

interface Base {
  readonly docker?: boolean;
  readonly config?: object;
  readonly manifest?: object;
}

function base({ docker = false, config = {}, manifest = {} }: Base = {}): ImageDocuments {
  const configBytes = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: 'arm64',
      created: '2020-01-01T00:00:00Z',
      'moby.buildkit.buildinfo.v1': 'kept',
      config: { Env: ['PATH=/bin', 'A=1'], Cmd: ['sh'], Labels: { a: '1' }, OnBuild: ['RUN x'] },
      rootfs: { type: 'layers', diff_ids: [digestOf('one tar')] },
      history: [{ created_by: 'ADD one' }, { created_by: 'CMD sh', empty_layer: true }],
      ...config,
    }),
  );
  const mediaType = docker ? MediaType.dockerManifest : MediaType.ociManifest;
  const document = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: docker ? MediaType.dockerConfig : MediaType.ociConfig, size: 1, digest: digestOf('config') },
    layers: [layer('one', docker ? MediaType.dockerLayerGzip : MediaType.ociLayerGzip).descriptor],
    annotations: { note: 'kept' },
    'x-unknown': { deep: [1] },
    ...manifest,
  };
  return { manifest: { mediaType, bytes: Buffer.from(JSON.stringify(document)) }, config: configBytes };
}

function edit(documents: ImageDocuments, how: Omit<ImageEdit, 'created'>) {
  const made = editImage(documents, { created, ...how });
  const read = parseDocument(made.manifest.bytes, made.manifest.descriptor.mediaType);
  if (read.kind !== 'manifest') throw new Error('no manifest');
  return { ...made, document: read.manifest, image: parseImageConfig(made.config.bytes) };
}

describe('an edited image', () => {
  it('has the new layers above the old ones, in manifest, diffIDs and history', () => {
    const { document, image, config } = edit(base(), { layers: [layer('two'), layer('three', MediaType.ociLayer)] });
    expect(document.layers.map(({ digest }) => digest)).toEqual(['one', 'two', 'three'].map(digestOf));
    expect(image.rootfs.diff_ids).toEqual(['one tar', 'two tar', 'three tar'].map(digestOf));
    expect(image.history?.slice(2)).toEqual([
      { created: created.toISOString(), created_by: 'make two' },
      { created: created.toISOString(), created_by: 'make three' },
    ]);
    expect(image.created).toBe(created.toISOString());
    expect(document.config).toMatchObject({ digest: config.descriptor.digest, size: config.bytes.length });
  });

  it('keeps what box does not know', () => {
    const { document, image } = edit(base(), { changes: { user: 'me' } });
    expect(document).toMatchObject({ 'x-unknown': { deep: [1] }, annotations: { note: 'kept' } });
    expect(image).toMatchObject({ architecture: 'arm64', 'moby.buildkit.buildinfo.v1': 'kept' });
    expect(image.config).toMatchObject({ User: 'me', OnBuild: ['RUN x'], Cmd: ['sh'] });
  });

  it("stays in its base's family of media types", () => {
    const { document, manifest, config } = edit(base({ docker: true }), {
      layers: [layer('two'), layer('three', MediaType.ociLayer)],
    });
    expect(manifest.descriptor.mediaType).toBe(MediaType.dockerManifest);
    expect(config.descriptor.mediaType).toBe(MediaType.dockerConfig);
    expect(document.layers.map(({ mediaType }) => mediaType)).toEqual([
      MediaType.dockerLayerGzip,
      MediaType.dockerLayerGzip,
      MediaType.dockerLayer,
    ]);
  });

  it("becomes OCI's where Docker's family has no word for it", () => {
    for (const how of [
      { layers: [layer('two', MediaType.ociLayerZstd)] },
      { changes: { annotations: { a: 'b' } } },
    ] satisfies Omit<ImageEdit, 'created'>[]) {
      const { document, manifest } = edit(base({ docker: true }), how);
      expect(manifest.descriptor.mediaType).toBe(MediaType.ociManifest);
      expect([document.config, ...document.layers].map(({ mediaType }) => mediaType)).not.toContainEqual(
        expect.stringContaining('docker'),
      );
    }
  });

  it('gives each layer a step, also above a base whose history lacks some', () => {
    const { image } = edit(base({ config: { history: undefined } }), { layers: [layer('two')] });
    expect(image.history?.map((step) => step.created_by)).toEqual([undefined, 'make two']);
  });

  it('writes a change of the configuration down as a step without a layer', () => {
    const { image } = edit(base(), { changes: { user: 'x' }, step: { created_by: 'box config' } });
    expect(image.history?.at(-1)).toEqual({
      created: created.toISOString(),
      created_by: 'box config',
      empty_layer: true,
    });
  });

  it('keeps the steps of layers that go, without their layers', () => {
    const { image, document } = edit(base(), { keptLayers: 0, layers: [layer('all')] });
    expect(document.layers).toHaveLength(1);
    expect(image.history?.map((step) => [step.created_by, step.empty_layer ?? false])).toEqual([
      ['ADD one', true],
      ['CMD sh', true],
      ['make all', false],
    ]);
  });

  it('is the same bytes for the same input', () => {
    const [one, two] = [1, 2].map(() => edit(base(), { layers: [layer('two')], changes: { env: { B: '2' } } }));
    expect(one?.manifest.descriptor).toEqual(two?.manifest.descriptor);
  });

  it('can be made of nothing', () => {
    const { document, image } = edit(emptyImage({ os: 'linux', architecture: 'amd64' }), { layers: [layer('one')] });
    expect(document.layers).toHaveLength(1);
    expect(image).toMatchObject({ os: 'linux', architecture: 'amd64', rootfs: { diff_ids: [digestOf('one tar')] } });
  });
});

describe('changes of a configuration', () => {
  const changed = (changes: ImageEdit['changes']) => edit(base(), { changes: changes ?? {} }).image.config ?? {};

  it('add, replace and remove variables in their places', () => {
    expect(changed({ env: { A: '2', B: 'x=y' } }).Env).toEqual(['PATH=/bin', 'A=2', 'B=x=y']);
    expect(changed({ env: { PATH: null } }).Env).toEqual(['A=1']);
    expect(changed({ clear: ['env'], env: { B: '1' } }).Env).toEqual(['B=1']);
    expect(changed({ clear: ['env'] }).Env).toBeUndefined();
  });

  it('take the command away with a new entrypoint, unless a new one comes along', () => {
    expect(changed({ entrypoint: ['/e'] })).toMatchObject({ Entrypoint: ['/e'] });
    expect(changed({ entrypoint: ['/e'] }).Cmd).toBeUndefined();
    expect(changed({ entrypoint: ['/e'], cmd: ['c'] }).Cmd).toEqual(['c']);
    expect(changed({ cmd: null }).Cmd).toBeUndefined();
  });

  it('keep labels apart from annotations', () => {
    const { document, image } = edit(base(), {
      changes: { labels: { a: null, b: '2' }, annotations: { note: null, other: 'x' } },
    });
    expect(image.config?.Labels).toEqual({ b: '2' });
    expect(document.annotations).toEqual({ other: 'x' });
  });

  it('take names for names, whatever JavaScript makes of them', () => {
    const labels = JSON.parse('{"__proto__":"x","constructor":"y"}') as Record<string, string>;
    const { config } = edit(base(), { changes: { labels } });
    expect(Buffer.from(config.bytes).toString()).toContain('{"a":"1","__proto__":"x","constructor":"y"}');
  });

  it('write ports, volumes and health checks as Go does', () => {
    const config = changed({
      ports: { '80/tcp': true },
      volumes: { '/data': true },
      healthcheck: { test: ['CMD-SHELL', 'true'], interval: 1500, retries: 3 },
    });
    expect(config).toMatchObject({
      ExposedPorts: { '80/tcp': {} },
      Volumes: { '/data': {} },
      Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 1_500_000_000, Retries: 3 },
    });
  });
});

describe('the time of creation', () => {
  it('is SOURCE_DATE_EPOCH where that is set', () => {
    expect(creationTime({ SOURCE_DATE_EPOCH: '1700000000' }).toISOString()).toBe('2023-11-14T22:13:20.000Z');
    expect(Math.abs(creationTime({}).getTime() - Date.now())).toBeLessThan(60_000);
  });

  it.each(['-1', 'yesterday', '1.5', '9999999999999'])('is no %j', (text) => {
    expect(() => creationTime({ SOURCE_DATE_EPOCH: text })).toThrow(expect.objectContaining({ code: 'ERR_BOX_USAGE' }));
  });
});
