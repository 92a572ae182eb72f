import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  buildDockerArchive,
  buildImage,
  buildIndex,
  buildLayer,
  dockerArchiveFiles,
  requireTool,
  runCommand,
  temporaryDirectory,
  tryCommand,
  whiteout,
  writeFrozenDirectory,
  writeOciLayout,
  writeTar,
  type TarEntry,
  type TemporaryDirectory,
} from '@boxkit/testkit';
import type { ImageSource } from '@boxkit/contracts';
import { ociArchiveSource, ociSource } from '../oci/source.ts';
import { skopeoDirectorySource } from '../oci/skopeo-directory.ts';
import { openImage } from './open-image.fixture.ts';
import { dockerArchiveSource } from './source.ts';

let directory: TemporaryDirectory;
beforeAll(async () => {
  directory = await temporaryDirectory('archives');
});
afterAll(() => directory[Symbol.asyncDispose]());

const base = buildLayer([
  { path: 'bin/', type: 'directory' },
  { path: 'bin/tool', content: 'x'.repeat(100_000) },
]);
const top = buildLayer([whiteout('bin/tool'), { path: 'etc/name', content: 'me' }], { compression: 'none' });
const image = buildImage({ layers: [base, top] });
const docker = buildImage({ layers: [base, top], format: 'docker' });

async function write(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(directory.path, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

async function read(source: ImageSource, location: string) {
  await using opened = await openImage(source, location);
  const { image: found, layerDigests } = opened;
  expect(layerDigests).toEqual(found.layers.map((layer) => layer.descriptor.digest));
  return { config: found.config.digest, diffIds: found.layers.map((layer) => layer.diffId), root: found.root.digest };
}

const expected = { config: image.config.descriptor.digest, diffIds: [base.diffId, top.diffId] };

describe('docker-archive:', () => {
  test('reads what docker save wrote before version 25', async () => {
    const path = await write('old.tar', buildDockerArchive([{ image: docker, tags: ['me/it:1'] }]));
    expect(await read(dockerArchiveSource(), path)).toMatchObject({
      config: docker.config.descriptor.digest,
      diffIds: expected.diffIds,
    });
  });

  test.each(['gzip', 'zstd'])('reads an archive that is compressed with %s as a whole', async (tool) => {
    const path = await write(`whole-${tool}.tar`, buildDockerArchive([{ image: docker, tags: [] }]));
    await runCommand(tool, ['-f', '-q', path]);
    expect(await read(dockerArchiveSource(), `${path}.${tool === 'gzip' ? 'gz' : 'zst'}`)).toMatchObject({
      diffIds: expected.diffIds,
    });
  });

  test('passes over the zeros that a tape leaves after what gzip wrote, as gzip does', async () => {
    const plain = await write('taped.tar', buildDockerArchive([{ image: docker, tags: ['me/it:1'] }]));
    await runCommand('gzip', [plain]);
    const path = await write('taped.tar.gz', Buffer.concat([await readFile(`${plain}.gz`), Buffer.alloc(1 << 20)]));
    expect(await read(dockerArchiveSource(), path)).toMatchObject({ diffIds: expected.diffIds });
  });

  test('reads layers that are compressed inside, by their own digests', async () => {
    const zstd = buildLayer(base.tar, { compression: 'zstd' });
    const mixed = buildImage({ layers: [base, zstd, top] });
    const entries: TarEntry[] = [
      { path: './c.json', content: mixed.config.bytes },
      { path: './a/layer.tar', content: base.bytes },
      { path: './b/layer.tar', content: zstd.bytes },
      { path: './t/layer.tar', content: top.bytes },
      {
        path: './manifest.json',
        content: JSON.stringify([
          { Config: 'c.json', RepoTags: null, Layers: ['a/layer.tar', './b/layer.tar', 't/layer.tar'] },
        ]),
      },
    ];
    await using opened = await openImage(dockerArchiveSource(), await write('mixed.tar', writeTar(entries)));
    expect(opened.layerDigests).toEqual([base.descriptor.digest, zstd.descriptor.digest, top.descriptor.digest]);
    // docker's family of media types has no word for zstd that others know.
    const { manifest, config, layers } = opened.image;
    const types = [manifest, config, ...layers.map(({ descriptor }) => descriptor)].map(({ mediaType }) => mediaType);
    expect(types).not.toContainEqual(expect.stringContaining('docker'));
  });

  test('reads a frozen directory, with symlinked layers too', async () => {
    const path = join(directory.path, 'frozen');
    await writeFrozenDirectory(path, [{ image: docker, tags: ['me/it:1'] }]);
    const layer = join(path, base.diffId.slice(7), 'layer.tar');
    await rename(layer, join(path, 'shared.tar'));
    await symlink('../shared.tar', layer);
    expect(await read(dockerArchiveSource(), `${path}/`)).toMatchObject({ diffIds: expected.diffIds });
  });

  test('reads a layer that is a symlink or a hardlink inside the tar', async () => {
    const files = [...dockerArchiveFiles([{ image: docker, tags: [] }])];
    const entries = files.flatMap(([path, content]): TarEntry[] => {
      if (path === `${base.diffId.slice(7)}/layer.tar`)
        return [
          { path: 'deep/shared.tar', content },
          { path, type: 'symlink', link: '../deep/shared.tar' },
        ];
      if (path === `${top.diffId.slice(7)}/layer.tar`)
        return [
          { path: 'other.tar', content },
          { path, type: 'hardlink', link: 'other.tar' },
        ];
      return [{ path, content }];
    });
    expect(await read(dockerArchiveSource(), await write('links.tar', writeTar(entries)))).toMatchObject({
      diffIds: expected.diffIds,
    });
  });

  test.each(['pax', 'gnu'] as const)('reads names that are too long for a header, as %s', async (format) => {
    const long = `${'d'.repeat(120)}/${'e'.repeat(120)}/layer.tar`;
    const one = buildImage({ layers: [top] });
    const entries: TarEntry[] = [
      { path: long, content: top.bytes },
      { path: 'link.tar', type: 'symlink', link: long },
      { path: 'c.json', content: one.config.bytes },
      { path: 'manifest.json', content: JSON.stringify([{ Config: 'c.json', Layers: ['link.tar'] }]) },
    ];
    const path = await write(`long-${format}.tar`, writeTar(entries, { format }));
    expect(await read(dockerArchiveSource(), path)).toMatchObject({ diffIds: [top.diffId] });
  });

  test('picks one of several images by name, by tag, by position; without, it lists the tags', async () => {
    const other = buildImage({ layers: [top], format: 'docker' });
    const path = await write(
      'several.tar',
      buildDockerArchive([
        { image: docker, tags: ['busybox:1', 'localhost:5000/me/it:stable'] },
        { image: other, tags: ['busybox:2'] },
      ]),
    );
    const configOf = async (tag: string) => (await read(dockerArchiveSource(), `${path}:${tag}`)).config;
    for (const tag of ['busybox:1', 'docker.io/library/busybox:1', 'stable', 'localhost:5000/me/it:stable', '@0'])
      expect(await configOf(tag)).toBe(docker.config.descriptor.digest);
    for (const tag of ['busybox:2', '2', '@1']) expect(await configOf(tag)).toBe(other.config.descriptor.digest);
    await expect(read(dockerArchiveSource(), path)).rejects.toMatchObject({
      code: 'ERR_BOX_IMAGE_NOT_FOUND',
      hint: expect.stringContaining('busybox:1, localhost:5000/me/it:stable, busybox:2') as string,
    });
    await expect(read(dockerArchiveSource(), `${path}:@2`)).rejects.toMatchObject({ code: 'ERR_BOX_IMAGE_NOT_FOUND' });
  });

  test('reads what docker save wrote before version 1.10, without manifest.json', async () => {
    const chain = [
      { id: 'low', layer: base.tar },
      { id: 'high', layer: top.tar, parent: 'low', architecture: 'amd64', os: 'linux', config: { Cmd: ['/bin/tool'] } },
    ];
    const entries = chain.flatMap(({ layer, ...fields }): TarEntry[] => [
      { path: `${fields.id}/layer.tar`, content: layer },
      { path: `${fields.id}/json`, content: JSON.stringify(fields) },
      { path: `${fields.id}/VERSION`, content: '1.0' },
    ]);
    entries.push({ path: 'repositories', content: '{"me/it":{"1":"high"},"other":{"1":"low"}}' });
    const path = await write('legacy.tar', writeTar(entries));
    await using opened = await openImage(dockerArchiveSource(), `${path}:me/it:1`);
    expect(opened.image.layers.map((layer) => layer.diffId)).toEqual(expected.diffIds);
    expect(opened.image.imageConfig).toMatchObject({ architecture: 'amd64', config: { Cmd: ['/bin/tool'] } });
    expect((await read(dockerArchiveSource(), `${path}:other:1`)).diffIds).toEqual([base.diffId]);
  });

  test('reads what docker save writes since version 25, by the digests in the names', async () => {
    const blob = (digest: string) => `blobs/${digest.replace(':', '/')}`;
    const manifest = {
      Config: blob(docker.config.descriptor.digest),
      RepoTags: ['me/it:1'],
      Layers: docker.layers.map((layer) => blob(layer.descriptor.digest)),
    };
    const entries: TarEntry[] = [
      ...[docker, ...docker.blobs].map(({ descriptor, bytes }) => ({ path: blob(descriptor.digest), content: bytes })),
      { path: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests: [docker.descriptor] }) },
      { path: 'manifest.json', content: JSON.stringify([manifest]) },
      { path: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    ];
    const path = await write('new.tar', writeTar(entries));
    await using opened = await openImage(dockerArchiveSource(), `${path}:me/it:1`);
    expect(opened.layerDigests).toEqual(docker.layers.map((layer) => layer.descriptor.digest));
    expect((await read(ociArchiveSource(), path)).root).toBe(docker.descriptor.digest);
  });

  test('takes a tar of an image layout for what it is', async () => {
    const layout = join(directory.path, 'as-archive');
    await writeOciLayout(layout, [{ document: image, name: 'x' }]);
    await runCommand('tar', ['-C', layout, '-cf', `${layout}.tar`, '.']);
    expect(await read(dockerArchiveSource(), `${layout}.tar`)).toMatchObject({ root: image.descriptor.digest });
    expect(await read(ociArchiveSource(), `${layout}.tar:x`)).toMatchObject({ root: image.descriptor.digest });
  });
});

describe('oci:', () => {
  test('finds images by ref.name and by containerd name; alone it needs none', async () => {
    const layout = join(directory.path, 'named');
    const other = buildImage({ layers: [top] });
    await writeOciLayout(layout, [{ document: image, name: 'one' }]);
    expect(await read(ociSource(), layout)).toMatchObject({ ...expected, root: image.descriptor.digest });
    await writeOciLayout(layout, [
      { document: image, name: 'one' },
      { document: other, name: 'two' },
    ]);
    expect((await read(ociSource(), `${layout}:two`)).root).toBe(other.descriptor.digest);
    expect((await read(ociSource(), `${layout}:@${other.descriptor.digest}`)).root).toBe(other.descriptor.digest);
    await expect(read(ociSource(), layout)).rejects.toMatchObject({
      hint: expect.stringContaining('one, two') as string,
    });

    const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as {
      manifests: { annotations: Record<string, string> }[];
    };
    for (const [at, entry] of index.manifests.entries())
      entry.annotations = { 'io.containerd.image.name': `docker.io/library/app:${at}` };
    await writeFile(join(layout, 'index.json'), JSON.stringify(index));
    expect((await read(ociSource(), `${layout}:app:1`)).root).toBe(other.descriptor.digest);
  });

  test('hands on a nested index, and index.json itself when it holds one nameless image for many platforms', async () => {
    const foreign = buildImage({ layers: [top], platform: { os: 'linux', architecture: 's390x' } });
    const nested = join(directory.path, 'nested');
    const index = buildIndex([buildIndex([foreign, image])]);
    await writeOciLayout(nested, [{ document: index, name: 'x' }]);
    expect(await read(ociSource(), `${nested}:x`)).toMatchObject({ ...expected, root: index.descriptor.digest });
    const flat = join(directory.path, 'flat');
    await writeOciLayout(flat, [{ document: foreign }, { document: image }]);
    expect(await read(ociSource(), flat)).toMatchObject(expected);
  });

  test('a colon in the name of the directory is no tag', async () => {
    const layout = join(directory.path, 'with:colon');
    await writeOciLayout(layout, [{ document: image, name: 'a:b' }]);
    expect(await read(ociSource(), layout)).toMatchObject(expected);
    expect(await read(ociSource(), `${layout}:a:b`)).toMatchObject(expected);
  });
});

test('what skopeo copies from form to form keeps its config and diffIDs', async (context) => {
  requireTool(context, 'skopeo');
  const at = (name: string) => join(directory.path, 'skopeo', name);
  await mkdir(at(''), { recursive: true });
  await writeOciLayout(at('layout'), [{ document: image, name: 'x' }]);
  const copy = (from: string, to: string) => runCommand('skopeo', ['copy', '-q', '--insecure-policy', from, to]);
  await copy(`oci:${at('layout')}:x`, `docker-archive:${at('saved.tar')}:me/it:1`);
  await copy(`oci:${at('layout')}:x`, `oci-archive:${at('layout.tar')}:me/it:1`);
  await copy(`oci:${at('layout')}:x`, `dir:${at('dir')}`);
  await copy(`docker-archive:${at('saved.tar')}`, `oci:${at('again')}:y`);
  for (const [source, location] of [
    [dockerArchiveSource(), 'saved.tar'],
    [dockerArchiveSource(), 'saved.tar:me/it:1'],
    [ociArchiveSource(), 'layout.tar'],
    [skopeoDirectorySource(), 'dir'],
    [ociSource(), 'layout:x'],
  ] as const)
    expect({ location, ...(await read(source, at(location))) }).toMatchObject({ location, ...expected });
  // skopeo writes the configuration anew when it turns a docker archive into a layout.
  expect(await read(ociSource(), at('again:y'))).toMatchObject({ diffIds: expected.diffIds });
});

test('reads what buildah and podman save', async (context) => {
  requireTool(context, 'buildah', 'podman');
  const at = (name: string) => join(directory.path, 'podman', name);
  await mkdir(at('tree/bin'), { recursive: true });
  await writeFile(at('tree/bin/tool'), 'tool');
  const storage = ['--storage-driver', 'vfs', '--root', at('root'), '--runroot', at('run')];
  const buildah = async (...args: string[]) => (await runCommand('buildah', [...storage, ...args])).stdout.trim();
  const container = await buildah('from', 'scratch');
  await buildah('copy', '-q', container, at('tree'), '/');
  await buildah('config', '--cmd', '/bin/tool', container);
  await buildah('commit', '-q', container, 'localhost/built:1');
  await buildah('tag', 'localhost/built:1', 'localhost/built:2');
  await buildah('push', '-q', 'localhost/built:1', `oci:${at('layout')}:1`);
  const podman = (...args: string[]) => runCommand('podman', [...storage, ...args]);
  await podman('save', '-q', '-o', at('one.tar'), 'localhost/built:1');
  await podman('save', '-q', '-m', '-o', at('more.tar'), 'localhost/built:1', 'localhost/built:2');
  await podman('save', '-q', '--format', 'oci-archive', '-o', at('oci.tar'), 'localhost/built:1');
  await podman('save', '-q', '--format', 'docker-dir', '-o', at('dir'), 'localhost/built:1');
  const reads = [
    await read(dockerArchiveSource(), at('one.tar')),
    await read(dockerArchiveSource(), `${at('more.tar')}:localhost/built:2`),
    await read(ociArchiveSource(), at('oci.tar')),
    await read(skopeoDirectorySource(), at('dir')),
    await read(ociSource(), `${at('layout')}:1`),
  ];
  expect(new Set(reads.map(({ diffIds }) => diffIds.join())).size).toBe(1);
  await tryCommand('buildah', [...storage, 'rm', container]);
  await rm(at(''), { recursive: true, force: true });
});

describe('a path without scheme', () => {
  test('is known by what it holds', async () => {
    const at = (name: string) => join(directory.path, 'detect', name);
    await mkdir(at(''), { recursive: true });
    await writeOciLayout(at('layout'), [{ document: image, name: 'x' }]);
    await writeFrozenDirectory(at('frozen'), [{ image: docker, tags: [] }]);
    await writeFile(at('saved.tar'), buildDockerArchive([{ image: docker, tags: [] }]));
    await writeFile(at('text.tar'), 'no tar');
    await mkdir(at('dir'));
    await writeFile(at('dir/manifest.json'), image.bytes);
    await writeFile(at('dir/version'), 'Directory Transport Version: 1.1\n');
    await runCommand('mkfifo', [at('fifo')]);
    const sources = [ociSource(), dockerArchiveSource(), ociArchiveSource(), skopeoDirectorySource()];
    const detect = (text: string) =>
      sources.filter((source) => source.detect?.(text) === true).map(({ scheme }) => scheme);
    expect(detect(at('layout'))).toEqual(['oci']);
    expect(detect(`${at('layout')}:x`)).toEqual(['oci']);
    expect(detect(at('frozen'))).toEqual(['docker-archive']);
    expect(detect(`${at('frozen')}/`)).toEqual(['docker-archive']);
    expect(detect(at('saved.tar'))).toEqual(['docker-archive']);
    expect(detect(at('dir'))).toEqual(['dir']);
    await mkdir(at('legacy'));
    await writeFile(at('legacy/repositories'), '{"app":{"1":"x"}}');
    expect(detect(at('legacy'))).toEqual(['docker-archive']);
    await writeFile(at('saved.tar.xz'), Buffer.from('fd377a585a000004e6d6b446', 'hex'));
    expect(detect(at('saved.tar.xz'))).toEqual(['docker-archive']);
    for (const text of [at('text.tar'), at('fifo'), at('nothing'), at(''), 'alpine', '', ':x', 'a\0b'])
      expect({ text, schemes: detect(text) }).toEqual({ text, schemes: [] });
  });
});
