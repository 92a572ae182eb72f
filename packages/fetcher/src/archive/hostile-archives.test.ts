import { mkdir, readdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isBoxError, type ImageSource } from '@boxkit/contracts';
import {
  buildDockerArchive,
  buildImage,
  buildIndex,
  buildLayer,
  dockerArchiveFiles,
  requireRoot,
  runCommand,
  temporaryDirectory,
  writeFrozenDirectory,
  writeOciLayout,
  writeTar,
  type TarEntry,
  type TemporaryDirectory,
} from '@boxkit/testkit';
import { ociArchiveSource, ociSource } from '../oci/source.ts';
import { skopeoDirectorySource } from '../oci/skopeo-directory.ts';
import { openImage } from './open-image.fixture.ts';
import { dockerArchiveSource } from './source.ts';

let directory: TemporaryDirectory;
let made = 0;
beforeAll(async () => {
  directory = await temporaryDirectory('hostile');
});
afterAll(() => directory[Symbol.asyncDispose]());

const layer = buildLayer([{ path: 'file', content: 'content' }], { compression: 'none' });
const image = buildImage({ layers: [layer] });
const layerPath = `${layer.diffId.slice(7)}/layer.tar`;
const configPath = `${image.config.descriptor.digest.slice(7)}.json`;

function fresh(): string {
  made += 1;
  return join(directory.path, String(made));
}

async function tarOf(entries: readonly TarEntry[]): Promise<string> {
  const path = `${fresh()}.tar`;
  await writeFile(path, writeTar(entries));
  return path;
}

/** An archive with some files replaced, added, or (undefined) left out. */
async function archiveWith(
  changes: Readonly<Record<string, string | Omit<TarEntry, 'path'> | undefined>>,
): Promise<string> {
  const files = new Map<string, TarEntry>();
  for (const [path, content] of dockerArchiveFiles([{ image, tags: ['a:1'] }])) files.set(path, { path, content });
  for (const [path, change] of Object.entries(changes)) {
    if (change === undefined) files.delete(path);
    else files.set(path, typeof change === 'string' ? { path, content: change } : { path, ...change });
  }
  return tarOf([...files.values()]);
}

function manifestWith(change: Readonly<Record<string, unknown>>): Promise<string> {
  const entry = { Config: configPath, RepoTags: ['a:1'], Layers: [layerPath], ...change };
  return archiveWith({ 'manifest.json': JSON.stringify([entry]) });
}

async function failure(source: ImageSource, location: string): Promise<unknown> {
  try {
    await using _opened = await openImage(source, location);
    return 'no error';
  } catch (error) {
    return error;
  }
}

/** What an archive's error is to look like. */
function invalid(message: RegExp) {
  return { code: 'ERR_BOX_ARCHIVE_INVALID', message: expect.stringMatching(message) as string };
}

describe('docker-archive: refuses', () => {
  const failureIn = async (path: string | Promise<string>) => failure(dockerArchiveSource(), await path);

  test.each(['../out/layer.tar', 'a/../../layer.tar', '/etc/passwd', '', 'a\0b', './/.'])('a layer named %j', (name) =>
    expect(failureIn(manifestWith({ Layers: [name] }))).resolves.toMatchObject(invalid(/Layers\[0\]/)),
  );

  test.each(['../c.json', '/etc/passwd'])('a configuration named %j', (name) =>
    expect(failureIn(manifestWith({ Config: name }))).resolves.toMatchObject(
      invalid(/\[0\]\.Config of manifest\.json/),
    ),
  );

  test.each(['../../x:latest', 'a/../b:1', 'A:1', ':x', 'a:../x'])('a tag named %j', (tag) =>
    expect(failureIn(manifestWith({ RepoTags: [tag] }))).resolves.toMatchObject(invalid(/RepoTags\[0\]/)),
  );

  test('more or fewer layers than the configuration has diffIDs', async () => {
    await expect(failureIn(manifestWith({ Layers: [layerPath, layerPath] }))).resolves.toMatchObject(
      invalid(/manifest\.json has 2 layers, this configuration 1/),
    );
    await expect(failureIn(manifestWith({ Layers: [] }))).resolves.toMatchObject(
      invalid(/manifest\.json has 0 layers, this configuration 1/),
    );
  });

  test.each<[Omit<TarEntry, 'path'>, RegExp]>([
    [{ type: 'symlink', link: '../../outside' }, /leads outside/],
    [{ type: 'symlink', link: '/etc/passwd' }, /leads outside/],
    [{ type: 'hardlink', link: '../outside' }, /leads outside/],
    [{ type: 'symlink', link: 'layer.tar' }, /never end/],
    [{ type: 'symlink', link: 'nowhere' }, /not in the archive/],
    [{ type: 'fifo' }, /a fifo/],
    [{ type: 'char', major: 1, minor: 5 }, /a device/],
    [{ type: 'block', major: 8, minor: 0 }, /a device/],
    [{ type: 'directory' }, /a directory/],
  ])('in place of a layer: %j', (entry, message) =>
    expect(failureIn(archiveWith({ [layerPath]: entry }))).resolves.toMatchObject(invalid(message)),
  );

  test('what is missing', async () => {
    await expect(failureIn(archiveWith({ [layerPath]: undefined }))).resolves.toMatchObject(
      invalid(/layer 0 is missing/),
    );
    await expect(failureIn(archiveWith({ [configPath]: undefined }))).resolves.toMatchObject(invalid(/it is missing/));
    await expect(
      failureIn(archiveWith({ 'manifest.json': undefined, repositories: undefined })),
    ).resolves.toMatchObject(invalid(/"manifest\.json": it is missing/));
  });

  test('documents that are none: deep, long, doubled keys, no UTF-8, of another shape', async () => {
    const manifest = (text: string) => archiveWith({ 'manifest.json': text });
    await expect(failureIn(manifest('['.repeat(10_000) + ']'.repeat(10_000)))).resolves.toMatchObject(
      invalid(/nests deeper/),
    );
    await expect(failureIn(manifest(`[${' '.repeat(5 << 20)}]`))).resolves.toMatchObject(invalid(/more than 4194304/));
    await expect(failureIn(manifest('[{"Config":"a","Config":"b","Layers":[]}]'))).resolves.toMatchObject(
      invalid(/twice/),
    );
    await expect(failureIn(manifest('[]'))).resolves.toMatchObject(invalid(/names no image/));
    await expect(failureIn(manifest('{}'))).resolves.toMatchObject(invalid(/no list of images/));
    await expect(failureIn(manifest('[{"Config":7}]'))).resolves.toMatchObject(invalid(/\[0\]\.Config/));
    await expect(failureIn(manifest('nonsense'))).resolves.toMatchObject(invalid(/not JSON/));
    await expect(
      failureIn(archiveWith({ [configPath]: '{"rootfs":{"type":"layers","diff_ids":["md5:x"]}}' })),
    ).resolves.toMatchObject(invalid(/rootfs\.diff_ids\[0\]/));
    await expect(
      failureIn(archiveWith({ [configPath]: `{"a":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_001)}` })),
    ).resolves.toMatchObject(invalid(/nests deeper/));
  });

  test('an old archive whose layers are their own ancestors, or lead outside', async () => {
    const old = (parent: string) =>
      tarOf([
        { path: 'repositories', content: '{"a":{"1":"x"}}' },
        { path: 'x/json', content: JSON.stringify({ id: 'x', parent }) },
        { path: 'x/layer.tar', content: layer.bytes },
      ]);
    expect(await failureIn(old('x'))).toMatchObject(invalid(/more than 1000 layers/));
    expect(await failureIn(old('../x'))).toMatchObject(invalid(/leads upwards/));
    expect(await failureIn(old('y'))).toMatchObject(invalid(/"y\/json": it is missing/));
  });

  test('a layer compressed with what box does not read', () =>
    expect(
      failureIn(archiveWith({ [layerPath]: { content: Buffer.from('fd377a585a000004', 'hex') } })),
    ).resolves.toMatchObject(invalid(/xz/)));

  test('what is no tar, and a tar that is cut short anywhere', async () => {
    const whole = buildDockerArchive([{ image, tags: ['a:1'] }]);
    const path = `${fresh()}.tar`;
    await writeFile(path, 'x'.repeat(5000));
    await expect(failureIn(Promise.resolve(path))).resolves.toMatchObject(invalid(/no tar archive/));
    for (let length = 0; length < whole.length - 1024; length += 1021) {
      await writeFile(path, whole.subarray(0, length));
      const error = await failure(dockerArchiveSource(), path);
      expect(isBoxError(error) || `${length}: ${String(error)}`).toBe(true);
    }
  });

  test('a compressed archive that is damaged or cut short', async () => {
    const whole = gzipSync(buildDockerArchive([{ image, tags: ['a:1'] }]));
    const path = `${fresh()}.tar.gz`;
    await writeFile(path, whole);
    await truncate(path, whole.length - 20);
    expect(await failure(dockerArchiveSource(), path)).toMatchObject(invalid(/damaged or cut short/));
    whole[whole.length - 6] = 0xff ^ (whole[whole.length - 6] ?? 0);
    await writeFile(path, whole);
    expect(await failure(dockerArchiveSource(), path)).toMatchObject(invalid(/damaged or cut short/));
  });

  test('random damage ends in a typed error or in the image, never otherwise', async () => {
    const whole = buildDockerArchive([{ image, tags: ['a:1'] }]);
    const path = `${fresh()}.tar`;
    let seed = 7;
    for (let round = 0; round < 60; round += 1) {
      const copy = Buffer.from(whole);
      for (let flip = 0; flip < 3; flip += 1) {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
        copy[seed % copy.length] = seed % 251;
      }
      await writeFile(path, copy);
      const error = await failure(dockerArchiveSource(), path);
      const typed = error === 'no error' || isBoxError(error) || /does not fit/.test(String(error));
      expect(typed || error).toBe(true);
    }
  });

  test('a layer whose bytes are not those of its diffID', async () => {
    const error = await failure(dockerArchiveSource(), await archiveWith({ [layerPath]: 'y'.repeat(2048) }));
    expect(String(error)).toMatch(/does not fit/);
  });
});

describe('a frozen directory whose layer is', () => {
  async function frozenWith(change: (path: string, root: string) => Promise<unknown>): Promise<string> {
    const root = fresh();
    await writeFrozenDirectory(root, [{ image, tags: ['a:1'] }]);
    const path = join(root, layerPath);
    await rm(path);
    await change(path, root);
    return root;
  }

  test.each<[string, (path: string, root: string) => Promise<unknown>, RegExp]>([
    ['a symlink to outside', (path) => symlink('../../../../../../../etc/passwd', path), /leads outside/],
    ['an absolute symlink', (path) => symlink('/etc/passwd', path), /leads outside/],
    ['a symlink to itself', (path) => symlink('layer.tar', path), /never end/],
    ['a fifo', (path) => runCommand('mkfifo', [path]), /no regular file/],
    ['a directory', (path) => mkdir(path), /no regular file/],
    [
      'below a symlink to outside',
      async (path, root) => {
        await writeFile(path, layer.bytes);
        await rename(join(path, '..'), join(directory.path, `moved-${made}`));
        await symlink(join('..', `moved-${made}`), join(root, layerPath.split('/')[0] ?? ''));
      },
      /leads outside/,
    ],
  ])('%s is refused', async (_name, change, message) => {
    expect(await failure(dockerArchiveSource(), await frozenWith(change))).toMatchObject(invalid(message));
  });

  test('a device is refused', async (context) => {
    requireRoot(context);
    const root = await frozenWith((path) => runCommand('mknod', [path, 'c', '1', '5']));
    expect(await failure(dockerArchiveSource(), root)).toMatchObject(invalid(/no regular file/));
  });
});

describe('an image layout is refused', () => {
  async function layoutWith(change: (root: string) => Promise<unknown>): Promise<string> {
    const root = fresh();
    await writeOciLayout(root, [{ document: image, name: 'x' }]);
    await change(root);
    return root;
  }
  const blobOf = (root: string) => join(root, 'blobs', layer.descriptor.digest.replace(':', '/'));

  test.each<[string, (root: string) => Promise<unknown>, RegExp]>([
    ['without oci-layout', (root) => rm(join(root, 'oci-layout')), /"oci-layout": it is missing/],
    ['without index.json', (root) => rm(join(root, 'index.json')), /"index\.json": it is missing/],
    [
      'of another version',
      (root) => writeFile(join(root, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}'),
      /"2\.0\.0"/,
    ],
    ['with a version that is none', (root) => writeFile(join(root, 'oci-layout'), '{}'), /imageLayoutVersion/],
    [
      'with a manifest for an index',
      (root) => writeFile(join(root, 'index.json'), image.bytes),
      /manifest and no index/,
    ],
    ['with a deep index', (root) => writeFile(join(root, 'index.json'), '['.repeat(20_000)), /nests deeper/],
    [
      'with an empty index',
      (root) => writeFile(join(root, 'index.json'), '{"schemaVersion":2,"manifests":[]}'),
      /names no image/,
    ],
    [
      'with a digest that leads elsewhere',
      (root) =>
        writeFile(
          join(root, 'index.json'),
          JSON.stringify({ schemaVersion: 2, manifests: [{ ...image.descriptor, digest: 'sha256:../../x' }] }),
        ),
      /manifests\[0\]\.digest/,
    ],
    [
      'with a link for a blob',
      async (root) => {
        await rename(blobOf(root), join(root, 'elsewhere'));
        await symlink('../../elsewhere', blobOf(root));
      },
      /symbolic link/,
    ],
    [
      'with a link for its blobs',
      async (root) => {
        await rename(join(root, 'blobs'), join(root, 'elsewhere'));
        await symlink('elsewhere', join(root, 'blobs'));
      },
      /symbolic link/,
    ],
    [
      'with a fifo for a blob',
      async (root) => {
        await rm(blobOf(root));
        await runCommand('mkfifo', [blobOf(root)]);
      },
      /no regular file/,
    ],
  ])('%s', async (_name, change, message) => {
    expect(await failure(ociSource(), await layoutWith(change))).toMatchObject(invalid(message));
  });

  test('with a device for index.json', async (context) => {
    requireRoot(context);
    const root = await layoutWith(async (path) => {
      await rm(join(path, 'index.json'));
      await runCommand('mknod', [join(path, 'index.json'), 'c', '1', '5']);
    });
    expect(await failure(ociSource(), root)).toMatchObject(invalid(/no regular file/));
  });

  test('with a link in its tar', async () => {
    const root = await layoutWith(() => Promise.resolve());
    await rename(blobOf(root), join(root, 'elsewhere'));
    await symlink('../../elsewhere', blobOf(root));
    await runCommand('tar', ['-C', root, '-cf', `${root}.tar`, '.']);
    expect(await failure(ociArchiveSource(), `${root}.tar`)).toMatchObject(invalid(/it is a link/));
  });

  test('with a blob missing or of another size, by errors of their own', async () => {
    expect(await failure(ociSource(), await layoutWith((root) => rm(blobOf(root))))).toMatchObject({
      code: 'ERR_BOX_BLOB_MISSING',
    });
    const short = await layoutWith((root) => truncate(blobOf(root), 100));
    expect(await failure(ociSource(), short)).toMatchObject({ code: 'ERR_BOX_SIZE_MISMATCH' });
  });

  test('when an index contains itself', async () => {
    // A digest cannot be that of a document which names it; a nameless chain of the allowed depth ends the walk as well.
    let deep = buildIndex([image]);
    for (let level = 0; level < 20; level += 1) deep = buildIndex([deep]);
    const root = fresh();
    await writeOciLayout(root, [{ document: deep, name: 'x' }]);
    expect(await failure(ociSource(), `${root}:x`)).toMatchObject({
      code: expect.stringMatching(/^ERR_BOX_/) as string,
    });
  });
});

test('paths that hold no image say what to write instead', async () => {
  const file = await tarOf([{ path: 'a', content: 'b' }]);
  expect(await failure(dockerArchiveSource(), join(directory.path, 'nothing'))).toMatchObject({
    code: 'ERR_BOX_IMAGE_NOT_FOUND',
  });
  expect(await failure(ociSource(), file)).toMatchObject({ hint: expect.stringContaining('oci-archive:') as string });
  expect(await failure(ociArchiveSource(), directory.path)).toMatchObject({
    hint: expect.stringContaining('oci:DIR') as string,
  });
  expect(await failure(skopeoDirectorySource(), directory.path)).toMatchObject(
    invalid(/"manifest\.json": it is missing/),
  );
  expect(await failure(dockerArchiveSource(), '/dev/null')).toMatchObject(invalid(/no regular file/));
});

test('nothing is written outside the store, and nothing stays in it', async () => {
  const before = await readdir(directory.path);
  await failure(dockerArchiveSource(), join(directory.path, 'nothing'));
  expect(await readdir(directory.path)).toEqual(before);
});
