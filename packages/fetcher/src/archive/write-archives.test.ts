import { mkdir, mkdtemp, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Image, ImageSource } from '@boxkit/contracts';
import {
  buildImage,
  buildLayer,
  requireRoot,
  requireTool,
  runCommand,
  temporaryDirectory,
  whiteout,
  writeOciLayout as layOut,
  type BuiltImage,
  type TemporaryDirectory,
} from '@boxkit/testkit';
import { ociArchiveSource, ociSource } from '../oci/source.ts';
import { skopeoDirectorySource } from '../oci/skopeo-directory.ts';
import { openImage } from './open-image.fixture.ts';
import { dockerArchiveSource } from './source.ts';
import { writeImage } from './write-image.fixture.ts';

let directory: TemporaryDirectory;
beforeAll(async () => {
  directory = await temporaryDirectory('write');
});
afterAll(() => directory[Symbol.asyncDispose]());

const base = buildLayer([
  { path: 'bin/', type: 'directory' },
  { path: 'bin/tool', content: 'x'.repeat(300_000) },
]);
const top = buildLayer([whiteout('bin/tool'), { path: 'etc/name', content: 'me' }], { compression: 'none' });
const zstd = buildLayer([{ path: 'etc/zstd', content: 'z' }], { compression: 'zstd' });
// Twice the same layer: their chainIDs differ, their blobs do not.
const oci = buildImage({ layers: [base, top, base], config: { Cmd: ['/bin/tool'] } });
const docker = buildImage({ layers: [base, top, zstd], format: 'docker' });

/** Reads `built` back from a layout, as if it had been pulled as `name`, and hands it to `use`. */
async function withImage<T>(
  built: BuiltImage,
  use: (image: Image, at: (name: string) => string) => Promise<T>,
): Promise<T> {
  const root = await mkdtemp(join(directory.path, 'case-'));
  await layOut(join(root, 'source'), [{ document: built, name: 'x' }]);
  await using opened = await openImage(ociSource(), join(root, 'source'), { name: 'docker.io/library/app:1' });
  return await use(opened.image, (name) => join(root, name));
}

async function read(source: ImageSource, location: string) {
  await using opened = await openImage(source, location);
  const { image, layerDigests } = opened;
  return { config: image.config.digest, diffIds: image.layers.map((layer) => layer.diffId), layerDigests };
}

function contentOf(built: BuiltImage) {
  return {
    config: built.config.descriptor.digest,
    diffIds: built.layers.map((layer) => layer.diffId),
    layerDigests: built.layers.map((layer) => layer.descriptor.digest),
  };
}

describe.each([
  ['OCI', oci],
  ['Docker', docker],
])('an %s image', (_name, built) => {
  test.each<[string, string, () => ImageSource]>([
    ['docker-archive', 'frozen/', dockerArchiveSource],
    ['docker-archive', 'saved.tar', dockerArchiveSource],
    ['docker-archive', 'saved.tar:me/it:2', dockerArchiveSource],
    ['oci', 'layout:1', ociSource],
    ['oci', 'layout', ociSource],
    ['oci-archive', 'layout.tar:1', ociArchiveSource],
    ['dir', 'dir', skopeoDirectorySource],
  ])('written to %s:%s reads back as it was', async (scheme, location, source) => {
    await withImage(built, async (image, at) => {
      await writeImage(image, `${scheme}:${at(location)}`);
      expect(await read(source(), at(location))).toEqual(contentOf(built));
      expect((await readdir(at('.'))).filter((name) => name.startsWith('.'))).toEqual([]);
    });
  });
});

describe('a frozen directory', () => {
  test('is what the download-frozen-image script leaves', async () => {
    await withImage(oci, async (image, at) => {
      await writeImage(image, `docker-archive:${at('frozen')}/`);
      const json = async (name: string): Promise<unknown> => JSON.parse(await readFile(at(`frozen/${name}`), 'utf8'));
      const layerIds = image.layers.map((layer) => layer.chainId.slice(7));
      const config = `${image.config.digest.slice(7)}.json`;
      expect(await json('manifest.json')).toEqual([
        { Config: config, RepoTags: ['app:1'], Layers: layerIds.map((layerId) => `${layerId}/layer.tar`) },
      ]);
      expect(await json('repositories')).toEqual({ app: { '1': layerIds.at(-1) } });
      expect((await readdir(at('frozen'))).sort()).toEqual(
        [...layerIds, config, 'manifest.json', 'repositories'].sort(),
      );
      expect((await readdir(at(`frozen/${layerIds[0]}`))).sort()).toEqual(['VERSION', 'json', 'layer.tar']);
      expect(await json(`${layerIds[1]}/json`)).toMatchObject({ id: layerIds[1], parent: layerIds[0] });
      expect((await stat(at('frozen'))).mode & 0o777).toBe(0o777 & ~process.umask());
    });
  });

  test('is loaded by skopeo from a tar of it, and unpacked by tar alone', async (context) => {
    requireTool(context, 'skopeo', 'tar', 'zstd');
    await withImage(docker, async (image, at) => {
      await writeImage(image, `docker-archive:${at('frozen')}/`);
      await runCommand('tar', ['-C', at('frozen'), '-cf', at('stream.tar'), '.']);
      await runCommand('skopeo', [
        'copy',
        '-q',
        '--insecure-policy',
        `docker-archive:${at('stream.tar')}`,
        `oci:${at('loaded')}:x`,
      ]);
      expect((await read(ociSource(), at('loaded:x'))).diffIds).toEqual(contentOf(docker).diffIds);
      const [{ Layers: layers }] = JSON.parse(await readFile(at('frozen/manifest.json'), 'utf8')) as [
        { Layers: string[] },
      ];
      await mkdir(at('pod'));
      for (const layer of layers) await runCommand('tar', ['-C', at('pod'), '-xf', at(`frozen/${layer}`)]);
      expect(await readFile(at('pod/etc/name'), 'utf8')).toBe('me');
    });
  });

  test('is written only where nothing is', async () => {
    await withImage(oci, async (image, at) => {
      await mkdir(at('empty'));
      await writeImage(image, `docker-archive:${at('empty')}`);
      await expect(writeImage(image, `docker-archive:${at('empty')}/`)).rejects.toMatchObject({
        code: 'ERR_BOX_DIRECTORY_NOT_EMPTY',
      });
      await expect(writeImage(image, `oci:${at('empty')}`)).rejects.toMatchObject({
        code: 'ERR_BOX_DIRECTORY_NOT_EMPTY',
      });
    });
  });
});

test('skopeo reads every form that box writes', async (context) => {
  requireTool(context, 'skopeo');
  // Docker's manifests know no zstd.
  const plain = buildImage({ layers: [base, top], format: 'docker' });
  await withImage(plain, async (image, at) => {
    for (const target of [
      `docker-archive:${at('a.tar')}`,
      `oci:${at('layout')}:1`,
      `oci-archive:${at('o.tar')}:1`,
      `dir:${at('dir')}`,
    ]) {
      await writeImage(image, target);
      await runCommand('skopeo', [
        'copy',
        '-q',
        '--insecure-policy',
        target.replace('a.tar', 'a.tar:app:1'),
        `dir:${at('copy')}`,
      ]);
      const { stdout } = await runCommand('skopeo', ['inspect', '--config', target.replace('a.tar', 'a.tar:app:1')]);
      expect(JSON.parse(stdout)).toMatchObject({ rootfs: { diff_ids: contentOf(plain).diffIds } });
    }
  });
});

test('umoci unpacks the layout of a Docker image, whose manifest is made OCI', async (context) => {
  requireTool(context, 'umoci');
  // umoci reads no zstd.
  await withImage(buildImage({ layers: [base, top], format: 'docker' }), async (image, at) => {
    await writeImage(image, `oci:${at('layout')}:1`);
    await runCommand('umoci', ['unpack', '--rootless', '--image', at('layout:1'), at('bundle')]);
    expect(await readFile(at('bundle/rootfs/etc/name'), 'utf8')).toBe('me');
  });
});

describe('a layout that is there', () => {
  test('gets one tag more, keeps the others, and replaces its own', async () => {
    await withImage(oci, async (image, at) => {
      await writeImage(image, `oci:${at('source')}:y`);
      expect(await read(ociSource(), at('source:x'))).toEqual(contentOf(oci));
      await withImage(docker, (other) => writeImage(other, `oci:${at('source')}:y`));
      expect(await read(ociSource(), at('source:x'))).toEqual(contentOf(oci));
      expect(await read(ociSource(), at('source:y'))).toEqual(contentOf(docker));
      expect((await readdir(at('source'))).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
    });
  });

  test('loses no tag when many are added at once', async () => {
    await withImage(oci, async (image, at) => {
      const tags = Array.from({ length: 8 }, (_, index) => `t${index}`);
      await Promise.all(tags.map((tag) => writeImage(image, `oci:${at('source')}:${tag}`)));
      const index = JSON.parse(await readFile(at('source/index.json'), 'utf8')) as {
        manifests: { annotations: Record<string, string> }[];
      };
      const names = index.manifests.map((entry) => entry.annotations['org.opencontainers.image.ref.name']);
      expect(new Set(names)).toEqual(new Set([...tags, 'x']));
    });
  });
});

describe('an image that cannot be read to its end', () => {
  function broken(image: Image): Image {
    const open: Image['blobs']['open'] = (descriptor, options) => ({
      path: undefined,
      async *[Symbol.asyncIterator]() {
        const last = descriptor.digest === image.layers.at(-1)?.descriptor.digest;
        yield* last ? [new Uint8Array(10)] : image.blobs.open(descriptor, options);
        if (last) throw new Error('the network went away');
      },
    });
    return { ...image, blobs: { open, read: (...args) => image.blobs.read(...args) } };
  }

  test.each([
    'docker-archive:frozen/',
    'docker-archive:saved.tar',
    'oci:layout:1',
    'oci-archive:layout.tar',
    'dir:dir',
  ])('leaves nothing at %s', async (target) => {
    await withImage(docker, async (image, at) => {
      const [scheme = '', name = ''] = target.split(/:(.*)/);
      await expect(writeImage(broken(image), `${scheme}:${at(name)}`)).rejects.toThrow('the network went away');
      expect(await readdir(at('.'))).toEqual(['source']);
    });
  });

  test('leaves the file that was there before', async () => {
    await withImage(docker, async (image, at) => {
      await writeFile(at('saved.tar'), 'before');
      await expect(writeImage(broken(image), `docker-archive:${at('saved.tar')}`)).rejects.toThrow('went away');
      expect(await readFile(at('saved.tar'), 'utf8')).toBe('before');
    });
  });

  test('a place that cannot be written is one clear error', async () => {
    await withImage(docker, async (image, at) => {
      await writeFile(at('file'), '');
      for (const target of [
        `docker-archive:${at('file/x')}/`,
        `oci:${at('file/x')}`,
        `docker-archive:${at('file/x.tar')}`,
      ])
        await expect(writeImage(image, target)).rejects.toMatchObject({
          code: 'ERR_BOX_SYSTEM_CALL',
          fields: { errno: expect.stringMatching(/^(?:ENOTDIR|EEXIST)$/) as string },
        });
    });
  });

  test('a tar is written only into a directory that is there', async () => {
    await withImage(docker, async (image, at) => {
      for (const scheme of ['docker-archive', 'oci-archive'])
        await expect(writeImage(image, `${scheme}:${at('missing/x.tar')}`)).rejects.toMatchObject({
          code: 'ERR_BOX_SYSTEM_CALL',
          fields: { errno: 'ENOENT' },
        });
      expect(await readdir(at('.'))).toEqual(['source']);
    });
  });

  test('what is no regular file is not replaced', async () => {
    await withImage(docker, async (image, at) => {
      await runCommand('mkfifo', [at('fifo')]);
      await symlink('nowhere', at('link'));
      for (const target of [`docker-archive:${at('fifo')}`, `oci-archive:${at('link')}`, 'docker-archive:/dev/null'])
        await expect(writeImage(image, target)).rejects.toMatchObject({ code: 'ERR_BOX_USAGE' });
    });
  });

  test('a full disk is one clear error, and leaves nothing', async (context) => {
    requireRoot(context);
    await withImage(oci, async (image, at) => {
      await mkdir(at('small'));
      await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'none', at('small')]);
      try {
        for (const target of [
          `docker-archive:${at('small/x')}/`,
          `oci-archive:${at('small/x.tar')}`,
          `oci:${at('small/x')}`,
        ])
          await expect(writeImage(image, target)).rejects.toMatchObject({ fields: { errno: 'ENOSPC' } });
        expect(await readdir(at('small'))).toEqual([]);
      } finally {
        await runCommand('umount', [at('small')]);
      }
    });
  });

  test('an abort leaves nothing either', async () => {
    await withImage(docker, async (image, at) => {
      const { signal } = { signal: AbortSignal.abort() };
      await expect(writeImage(image, `oci:${at('layout')}`, { signal })).rejects.toMatchObject({ name: 'AbortError' });
      expect(await readdir(at('.'))).toEqual(['source']);
    });
  });
});
