import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildImage, buildIndex, buildLayer, runCommand, writeOciLayout, writeTar } from '@boxkit/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBox } from '../../index.ts';
import type { AppendOptions, Box } from '../../index.ts';

const other = process.arch === 'arm64' ? 'amd64' : 'arm64';

describe('an image made of another', () => {
  let home: string;
  let box: Box;
  let base: string;
  const layer = (name: string): string => join(home, name);
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'box-make-'));
    box = await createBox({ home: join(home, 'store') });
    const layers = [buildLayer([{ path: 'etc/old', content: 'old' }])];
    const annotations = { 'org.example.kept': 'yes' };
    const image = buildImage({ layers, config: { Env: ['A=1'] }, annotations });
    const foreign = buildImage({ layers, platform: { os: 'linux', architecture: other } });
    await writeOciLayout(join(home, 'image'), [
      { document: image, name: 'v1' },
      { document: buildImage({ layers, format: 'docker' }), name: 'docker' },
      { document: buildIndex([foreign, image]), name: 'index' },
      { document: foreign, name: 'foreign' },
    ]);
    base = `oci:${join(home, 'image')}`;
    const tar = writeTar([{ path: 'nix/x', content: 'x' }]);
    await writeFile(layer('plain.tar'), tar);
    await writeFile(layer('layer.tar.gz'), gzipSync(writeTar([{ path: 'nix/y', content: 'y' }])));
    await writeFile(layer('no.tar'), 'no tar at all, but long enough to be a header'.repeat(40));
    await writeFile(layer('cut.tar'), tar.subarray(0, 512));
  });
  afterAll(async () => {
    await box[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  const append = (files: readonly string[], options: Partial<AppendOptions> = {}, tag = 'v1') =>
    box.append(
      `${base}:${tag}`,
      files.map((file) => layer(file)),
      { tag: 'new', ...options },
    );

  it('has the files of all layers, each as it came', async () => {
    const made = await append(['plain.tar', 'layer.tar.gz']);
    expect(made.reference).toBe('new:latest');
    expect(made.layers.map(({ descriptor }) => descriptor.mediaType.split('.').at(-1))).toEqual([
      'tar+gzip',
      'tar',
      'tar+gzip',
    ]);
    await using look = await box.look('new');
    expect([...look.find('*')].map(({ path }) => path).toSorted()).toEqual([
      '/etc',
      '/etc/old',
      '/nix',
      '/nix/x',
      '/nix/y',
    ]);
    expect(look.history().map(({ created_by: by }) => by)).toEqual([
      'layer 0',
      'box append plain.tar',
      'box append layer.tar.gz',
    ]);
    expect(look.config.config).toMatchObject({ Env: ['A=1'] });
    const manifest = JSON.parse(await readFile(box.store.blobs.pathOf(made.manifest.digest), 'utf8')) as object;
    expect(manifest).toMatchObject({ annotations: { 'org.example.kept': 'yes' } });
  });

  it("stays in Docker's format", async () => {
    const made = await append(['plain.tar'], { compression: 'gzip' }, 'docker');
    expect([made.manifest, made.config, ...made.layers.map(({ descriptor }) => descriptor)]).not.toContainEqual(
      expect.objectContaining({ mediaType: expect.stringContaining('oci') as string }),
    );
  });

  it('has the same digest when it is made again with SOURCE_DATE_EPOCH', async () => {
    process.env['SOURCE_DATE_EPOCH'] = '1700000000';
    try {
      const [one, two] = [await append(['plain.tar']), await append(['plain.tar'], { tag: 'again' })];
      expect(one.manifest.digest).toBe(two.manifest.digest);
    } finally {
      delete process.env['SOURCE_DATE_EPOCH'];
    }
  });

  it('takes layers as bytes', async () => {
    async function* bytes() {
      yield writeTar([{ path: 'streamed', content: 's' }]);
    }
    const made = await box.append(`${base}:v1`, [bytes()], { tag: 'streamed', comment: 'remark' });
    expect(made.layers).toHaveLength(2);
    await using look = await box.look('streamed');
    expect(look.history().at(-1)).toMatchObject({ created_by: 'box append a stream', comment: 'remark' });
  });

  it('is of the platform that was asked for', async () => {
    const made = await append(['plain.tar'], { tag: 'crossed', platform: `linux/${other}` }, 'index');
    expect(made.platform.architecture).toBe(other);
    expect((await append(['plain.tar'], { tag: 'own' }, 'index')).platform.architecture).not.toBe(other);
  });

  it('goes to a layout or a frozen directory, and leaves the store without a name of it', async () => {
    await append(['plain.tar'], { tag: `oci:${layer('out')}:v2` });
    await append(['plain.tar'], { tag: `docker-archive:${layer('frozen')}/` });
    expect(await readdir(layer('frozen'))).toContain('manifest.json');
    await runCommand('umoci', ['unpack', '--image', `${layer('out')}:v2`, layer('bundle')]);
    expect(await readFile(join(layer('bundle'), 'rootfs/nix/x'), 'utf8')).toBe('x');
    expect((await box.images()).map(({ reference }) => reference)).not.toContainEqual(expect.stringContaining('out'));
  });

  it('has changes of its configuration, and the layers of its base', async () => {
    const made = await box.configure(`${base}:v1`, { env: { B: '2' }, user: '7' }, { tag: 'changed', createdBy: 'me' });
    const { image } = await box.inspect('changed');
    expect(image.imageConfig.config).toMatchObject({ Env: ['A=1', 'B=2'], User: '7' });
    expect(image.imageConfig.history?.at(-1)).toMatchObject({ created_by: 'me', empty_layer: true });
    expect(made.layers).toHaveLength(1);
  });

  it.each([
    ['no tar', ['no.tar'], {}, 'v1', 'ERR_BOX_LAYER_INVALID'],
    ['half a tar', ['plain.tar', 'cut.tar'], {}, 'v1', 'ERR_BOX_LAYER_INVALID'],
    ['a file that is not there', ['none.tar'], {}, 'v1', 'ERR_BOX_FILE_UNREADABLE'],
    ['a directory', ['image'], {}, 'v1', 'ERR_BOX_FILE_UNREADABLE'],
    ['no layer', [], {}, 'v1', 'ERR_BOX_USAGE'],
    ['a base for another platform', ['plain.tar'], {}, 'foreign', 'ERR_BOX_PLATFORM_MISSING'],
    ['a platform that is not there', ['plain.tar'], { platform: 'linux/s390x' }, 'index', 'ERR_BOX_PLATFORM_MISSING'],
    ['an unknown base', ['plain.tar'], {}, 'nothing', 'ERR_BOX_IMAGE_NOT_FOUND'],
    ['no name', ['plain.tar'], { tag: 'No Name' }, 'v1', 'ERR_BOX_REFERENCE_INVALID'],
    ['a name with a digest', ['plain.tar'], { tag: `x@sha256:${'0'.repeat(64)}` }, 'v1', 'ERR_BOX_REFERENCE_INVALID'],
    ['a place that cannot be written', ['plain.tar'], { tag: 'host:sh' }, 'v1', 'ERR_BOX_USAGE'],
    ['a level that is none', ['plain.tar'], { compression: 'gzip', level: 99 }, 'v1', 'ERR_BOX_USAGE'],
  ] as const)('is not made of %s: one error, and no name more', async (_, files, options, tag, code) => {
    const before = await box.images();
    const failure = append(files, { tag: 'bad', ...options }, tag);
    await expect(failure).rejects.toMatchObject({ code, hint: expect.any(String) as string });
    expect(await box.images()).toEqual(before);
    expect((await readdir(join(box.home, 'tmp'))).filter((name) => name !== 'partial')).toEqual([]);
  });

  it('is not made of what the store has for another platform only', async () => {
    await append(['plain.tar'], { tag: '127.0.0.1:1/only', platform: `linux/${other}` }, 'index');
    const failure = box.append('127.0.0.1:1/only', [layer('plain.tar')], { tag: 'bad' });
    await expect(failure).rejects.toMatchObject({ code: 'ERR_BOX_PLATFORM_MISSING' });
  });
});

describe('an opened image', () => {
  it('tells of its layers and their entries, and is made others of', async () => {
    const home = await mkdtemp(join(tmpdir(), 'box-open-'));
    const box = await createBox({ home: join(home, 'store') });
    try {
      const layers = [
        buildLayer([
          { path: 'a', content: 'one', uid: 5 },
          { path: 'b', content: 'two' },
        ]),
        buildLayer([{ path: '.wh.b' }, { path: 'l', type: 'symlink', link: 'a' }]),
      ];
      await writeOciLayout(join(home, 'image'), [{ document: buildImage({ layers }), name: 'v1' }]);
      await using image = await box.image(`oci:${join(home, 'image')}:v1`);
      const told: unknown[] = [];
      for (const layer of image.layers) {
        for await (const { path, type, uid } of layer.entries()) told.push([layer.createdBy, type, path, uid]);
      }
      expect(told).toEqual([
        ['layer 0', 'file', '/a', 5],
        ['layer 0', 'file', '/b', 0],
        ['layer 1', 'symlink', '/l', 0],
        ['layer 1', 'whiteout', '/b', 0],
      ]);
      const tar: Uint8Array[] = [];
      for await (const chunk of image.layers[0]?.tar() ?? []) tar.push(chunk);
      expect(Buffer.concat(tar).equals(layers[0]?.tar ?? Buffer.alloc(0))).toBe(true);
      const made = await image.append(
        [
          (async function* () {
            yield writeTar([{ path: 'c', content: 'three' }]);
          })(),
        ],
        { tag: 'with-c' },
      );
      expect(made.layers).toHaveLength(3);
      expect((await image.flatten({ tag: `oci:${join(home, 'out')}:flat` })).layers).toHaveLength(1);
    } finally {
      await box[Symbol.asyncDispose]();
      await rm(home, { recursive: true, force: true });
    }
  });
});
