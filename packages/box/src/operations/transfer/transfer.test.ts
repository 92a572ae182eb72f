import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  asOrdinaryUser,
  buildDockerArchive,
  buildImage,
  buildIndex,
  buildLayer,
  digestOf,
  machinePlatform,
  pushDocument,
  runCommand,
  startRegistry,
  temporaryDirectory,
  writeOciLayout,
  type Registry,
  type TemporaryDirectory,
} from '@boxkit/testkit';
import { createBox, definePlugin } from '../../index.ts';
import type { Box, BoxEvent, BoxOptions, OutgoingImage } from '../../index.ts';

// Compresses to about half of 256 kB.
const noise = Array.from({ length: 4000 }, (_, at) => createHash('sha256').update(`${at}`).digest('hex')).join('');
const layers = [
  buildLayer([{ path: 'bin/tool', content: noise }]),
  buildLayer([{ path: 'etc/name', content: 'me' }], { compression: 'none' }),
];
const oci = buildImage({ layers, config: { Cmd: ['/bin/tool'] } });
const docker = buildImage({ layers, format: 'docker' });
const foreign = buildImage({
  layers: [buildLayer([{ path: 'etc/name', content: 'arm' }])],
  platform: { os: 'linux', architecture: machinePlatform.architecture === 'arm64' ? 'amd64' : 'arm64' },
});
const index = buildIndex([oci, foreign]);

let registry: Registry;
let directory: TemporaryDirectory;
let count = 0;
const resources = new AsyncDisposableStack();
beforeAll(async () => {
  registry = resources.use(await startRegistry());
  directory = resources.use(await temporaryDirectory('transfer'));
  for (const [name, document] of Object.entries({ oci, docker, index })) {
    await pushDocument(registry, name, document, '1');
  }
});
afterAll(() => resources.disposeAsync());

const fresh = (name = 'at'): string => join(directory.path, `${name}-${(count += 1)}`);

async function withBox<T>(use: (box: Box) => Promise<T>, options: BoxOptions = {}): Promise<T> {
  await using box = await createBox({ home: fresh('home'), ...options });
  return await use(box);
}

/** What must not change on the way. */
async function contentOf(box: Box, name: string) {
  const { image } = await box.inspect(name);
  return {
    config: image.config.digest,
    diffIds: image.layers.map(({ diffId }) => diffId),
    layers: image.layers.map(({ descriptor }) => descriptor.digest),
  };
}

const wanted = {
  config: oci.config.descriptor.digest,
  diffIds: oci.layers.map(({ diffId }) => diffId),
  layers: oci.layers.map(({ descriptor }) => descriptor.digest),
};

const places: Readonly<Record<string, () => string>> = {
  'docker://': () => `docker://${registry.host}/app${(count += 1)}:1`,
  'docker-archive: a file': () => `docker-archive:${fresh()}.tar:me:1`,
  'docker-archive: a directory': () => `docker-archive:${fresh()}/`,
  'oci:': () => `oci:${fresh()}:1`,
  'oci-archive:': () => `oci-archive:${fresh()}.tar:1`,
  'dir:': () => `dir:${fresh()}`,
  'the store': () => `kept${(count += 1)}:1`,
};
const keepsManifest = (place: string): boolean => place !== 'docker-archive: a directory';

describe('copy', () => {
  const pairs = Object.keys(places).flatMap((from) => Object.keys(places).map((to) => [from, to] as const));
  it.each(pairs)('from %s to %s keeps config and layers, and the manifest', async (from, to) => {
    await withBox(async (box) => {
      const [first, second] = [places[from]?.() ?? '', places[to]?.() ?? ''];
      await box.copy(`docker://${registry.host}/oci:1`, first);
      const copied = await box.copy(first, second);
      await box.copy(second, 'back:1');
      expect(await contentOf(box, 'back:1')).toEqual(wanted);
      expect(copied.descriptor.digest === oci.descriptor.digest).toBe(keepsManifest(from));
    });
  });

  it('writes an index whole with `all`, into all that can hold it, and back', async () => {
    await withBox(async (box) => {
      for (const place of ['docker://', 'oci:', 'oci-archive:', 'dir:', 'the store']) {
        const to = places[place]?.() ?? '';
        expect((await box.copy(`docker://${registry.host}/index:1`, to, { all: true })).descriptor.digest).toBe(
          index.descriptor.digest,
        );
        const back = `docker://${registry.host}/back${(count += 1)}:1`;
        expect((await box.copy(to, back, { all: true })).descriptor.digest).toBe(index.descriptor.digest);
      }
    });
  });

  it('takes one platform of an index', async () => {
    await withBox(async (box) => {
      const platform = foreign.descriptor.platform;
      const options = platform === undefined ? {} : { platform };
      const copied = await box.copy(`docker://${registry.host}/index:1`, `dir:${fresh()}`, options);
      expect(copied.descriptor.digest).toBe(foreign.descriptor.digest);
    });
  });

  it('rewrites manifests when asked to, there and back', async () => {
    await withBox(async (box) => {
      const [v2s2, back] = [places['docker://']?.() ?? '', places['docker://']?.() ?? ''];
      const source = `docker://${registry.host}/oci:1`;
      const converted = await box.copy(source, v2s2, { format: 'v2s2' });
      expect(converted.descriptor.mediaType).toBe(docker.descriptor.mediaType);
      const again = await box.copy(v2s2, back, { format: 'oci' });
      expect(again.descriptor.digest).toBe(oci.descriptor.digest);
      const list = await box.copy(`docker://${registry.host}/index:1`, places['docker://']?.() ?? '', {
        format: 'v2s2',
        all: true,
      });
      expect(list.descriptor.mediaType).toContain('manifest.list');
      await box.copy(list.destination.replace(/^/, 'docker://'), 'list:1');
      expect(await contentOf(box, 'list:1')).toEqual(wanted);
    });
  });

  it('says that a layout gets another manifest than Docker made, or refuses it', async () => {
    const events: BoxEvent[] = [];
    await withBox(
      async (box) => {
        const source = `docker://${registry.host}/docker:1`;
        const to = `oci:${fresh()}:1`;
        await expect(box.copy(source, to, { preserveDigests: true })).rejects.toMatchObject({ code: 'ERR_BOX_USAGE' });
        expect((await box.copy(source, `dir:${fresh()}`, { preserveDigests: true })).descriptor.digest).toBe(
          docker.descriptor.digest,
        );
        await box.copy(source, to);
        expect(events.filter((event) => event.type === 'warning').map(({ code }) => code)).toEqual([
          'manifest-converted',
        ]);
      },
      { onEvent: (event) => events.push(event) },
    );
  });

  it('keeps nothing in the store of what passes through', async () => {
    await withBox(async (box) => {
      await box.copy(`docker://${registry.host}/oci:1`, `oci:${fresh()}:1`);
      const blobs = [];
      for await (const { digest } of box.store.blobs.list()) blobs.push(digest);
      expect(blobs).toEqual([]);
    });
  });

  it('fetches no blob that the destination has', async () => {
    const [source, to] = [`docker://${registry.host}/oci:1`, `oci:${fresh()}`];
    await withBox((box) => box.copy(source, `${to}:1`));
    const before = (await registry.requests()).length;
    await withBox((box) => box.copy(source, `${to}:2`));
    const blobs = (await registry.requests()).slice(before).filter(({ path }) => path.includes('/blobs/'));
    expect(blobs.map(({ path }) => path.split('/').at(-1))).toEqual([oci.config.descriptor.digest]);
  });

  it('writes to what a plugin adds', async () => {
    const written: OutgoingImage[] = [];
    const plugin = definePlugin({
      name: 'shelf',
      setup: (host) =>
        host.addDestination({
          scheme: 'shelf',
          description: 'a shelf',
          async write(images, _reference, { signal }) {
            written.push(...images);
            for (const image of images) {
              for (const blob of image.blobs) for await (const _ of await image.open(blob, { signal }));
            }
          },
        }),
    });
    await withBox(
      async (box) => {
        await box.copy(`docker://${registry.host}/oci:1`, 'shelf:top');
      },
      { plugins: [plugin] },
    );
    expect(written.map(({ root }) => root.digest)).toEqual([oci.descriptor.digest]);
  });

  it.each([
    ['host:sh', 'ERR_BOX_USAGE'],
    ['bytes:x', 'ERR_BOX_USAGE'],
    ['./there', 'ERR_BOX_USAGE'],
    ['/tmp/there', 'ERR_BOX_USAGE'],
    ['ftp://there/x', 'ERR_BOX_USAGE'],
    ['', 'ERR_BOX_USAGE'],
    ['oci:', 'ERR_BOX_REFERENCE_INVALID'],
    ['docker-daemon:x', 'ERR_BOX_SOURCE_UNKNOWN'],
    ['team/Case', 'ERR_BOX_REFERENCE_INVALID'],
    [`docker://x.test/y@sha256:${'a'.repeat(64)}`, 'ERR_BOX_REFERENCE_INVALID'],
  ])('to %j is refused before anything is fetched', async (destination, code) => {
    const before = (await registry.requests()).length;
    await withBox(async (box) => {
      await expect(box.copy(`docker://${registry.host}/oci:1`, destination)).rejects.toMatchObject({
        code,
        hint: expect.any(String) as string,
      });
    });
    expect((await registry.requests()).length).toBe(before);
  });
});

if (process.geteuid?.() === 0) {
  // Only root mounts file systems to fill.
  describe('copy to a small disk', () => {
    it('to a place that cannot be written leaves it as it was', async () => {
      const small = fresh('small');
      await mkdir(small);
      await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', small]);
      try {
        await withBox(async (box) => {
          for (const to of [
            `docker-archive:${small}/a.tar`,
            `docker-archive:${small}/d/`,
            `oci:${small}/l`,
            `dir:${small}/s`,
          ]) {
            await expect(box.copy(`docker://${registry.host}/oci:1`, to)).rejects.toMatchObject({
              code: 'ERR_BOX_SYSTEM_CALL',
              fields: { errno: 'ENOSPC' },
            });
          }
          expect(await readdir(small)).toEqual([]);
          await runCommand('mount', ['-o', 'remount,ro', small]);
          await expect(box.copy(`docker://${registry.host}/oci:1`, `oci:${small}/l`)).rejects.toMatchObject({
            fields: { errno: 'EROFS' },
          });
        });
      } finally {
        await runCommand('umount', [small]);
      }
    });

    it('into a layout that then has no space leaves the layout as it was', async () => {
      const small = fresh('small');
      await mkdir(small);
      await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=100k', 'none', small]);
      try {
        await withBox(async (box) => {
          await writeOciLayout(join(small, 'l'), [{ document: foreign, name: 'x' }]);
          const before = await readdir(join(small, 'l'), { recursive: true });
          await expect(box.copy(`docker://${registry.host}/oci:1`, `oci:${small}/l:y`)).rejects.toMatchObject({
            fields: { errno: 'ENOSPC' },
          });
          expect(await readdir(join(small, 'l'), { recursive: true })).toEqual(before);
        });
      } finally {
        await runCommand('umount', [small]);
      }
    });
  });
}

describe('push', () => {
  it('then pull elsewhere gives the same digests', async () => {
    await withBox(async (box) => {
      await box.copy(`docker://${registry.host}/oci:1`, 'app:1');
      const pushed = await box.push('app:1', `${registry.host}/team/app:2`);
      expect(pushed).toMatchObject({ source: 'app:1', destination: `${registry.host}/team/app:2` });
      await withBox(async (other) => {
        const pulled = await other.pull(pushed.destination);
        expect(pulled.root.digest).toBe(oci.descriptor.digest);
        expect(await contentOf(other, pushed.destination)).toEqual(wanted);
      });
    });
  });

  it('goes where the name says, and takes blobs from where it pushed them before', async () => {
    await withBox(async (box) => {
      const unique = buildImage({ layers: [buildLayer([{ path: 'x', content: `${Date.now()}` }])] });
      await writeOciLayout(fresh('only'), []);
      const layout = fresh('layout');
      await writeOciLayout(layout, [{ document: unique, name: '1' }]);
      await box.copy(`oci:${layout}:1`, `${registry.host}/one/app:1`);
      await box.push(`${registry.host}/one/app:1`);
      await box.tag(`${registry.host}/one/app:1`, `${registry.host}/two/app:1`);
      await box.push(`${registry.host}/two/app:1`);
      const to = (await registry.requests()).filter(({ path }) => path.startsWith('/v2/two/app/blobs/'));
      expect(to.filter(({ method, status }) => method === 'POST' && status === 201)).toHaveLength(2);
      expect(to.filter(({ method }) => method === 'PUT' || method === 'PATCH')).toEqual([]);
    });
  });

  it('of what the store has not asks nobody', async () => {
    await withBox(async (box) => {
      await expect(box.push(`${registry.host}/oci:1`)).rejects.toMatchObject({ code: 'ERR_BOX_IMAGE_UNKNOWN' });
    });
  });

  it('of one platform of an index that was pulled pushes that; of all says what is missing', async () => {
    await withBox(async (box) => {
      await box.copy(`docker://${registry.host}/index:1`, 'multi:1');
      const to = places['docker://']?.() ?? '';
      expect((await box.push('multi:1', to)).descriptor.digest).toBe(oci.descriptor.digest);
      await expect(box.push('multi:1', to, { all: true })).rejects.toMatchObject({ code: 'ERR_BOX_BLOB_MISSING' });
    });
  });
});

describe('save and load', () => {
  it.each(['docker-archive', 'oci-archive'] as const)(
    '%s: several images come back under their names',
    async (format) => {
      const file = fresh('saved');
      await withBox(async (box) => {
        await box.copy(`docker://${registry.host}/oci:1`, 'one:1');
        await box.tag('one:1', 'registry.test/two:2');
        await box.copy(`docker://${registry.host}/index:1`, 'three:1', { platform: 'linux/arm64' });
        await box.save(['one:1', 'registry.test/two:2', 'three:1'], { to: file, format });
      });
      await withBox(async (box) => {
        const loaded = await box.load(file);
        expect(loaded.flatMap(({ names }) => names).sort()).toEqual(['one:1', 'registry.test/two:2', 'three:1']);
        expect((await box.inspect('registry.test/two:2')).stored.manifest.digest).toBe(oci.descriptor.digest);
      });
    },
  );

  it.each([
    ['as they are', undefined, (bytes: Buffer) => bytes],
    ['compressed by gzip', 'gzip', gunzipSync],
    ['compressed by zstd', 'zstd', zstdDecompressSync],
  ] as const)('the same images make the same bytes, %s, to a file and to a stream', async (_how, compression, undo) => {
    const digests = new Set<string>();
    const tars = new Set<string>();
    const see = (bytes: Buffer): void => {
      digests.add(digestOf(bytes));
      tars.add(digestOf(undo(bytes)));
    };
    for (let run = 0; run < 2; run++) {
      await withBox(async (box) => {
        await box.copy(`docker://${registry.host}/oci:1`, 'one:1');
        const file = `${fresh('saved')}${compression === undefined ? '' : compression === 'gzip' ? '.gz' : '.zst'}`;
        await box.save(['one:1'], { to: file });
        see(await readFile(file));
        const stream = new PassThrough();
        const all = buffer(stream);
        await box.save(['one:1'], { to: stream, ...(compression && { compression }) });
        stream.end();
        see(await all);
        if (run > 0) return;
        const plain = fresh('plain');
        await box.save(['one:1'], { to: plain });
        tars.add(digestOf(await readFile(plain)));
        const [loaded] = await box.load(file);
        expect(loaded?.descriptor.digest).toBe(oci.descriptor.digest);
      });
    }
    expect([digests.size, tars.size]).toEqual([1, 1]);
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['as it is', (bytes) => bytes],
    ['compressed by gzip', (bytes) => gzipSync(bytes)],
    ['compressed by zstd', (bytes) => zstdCompressSync(bytes)],
  ])('loads what docker saved, %s, from a file and from a stream', async (_name, compress) => {
    const archive = compress(
      buildDockerArchive([
        { image: docker, tags: ['one:1', 'one:latest'] },
        { image: foreign, tags: ['other:1'] },
      ]),
    );
    const file = fresh('archive');
    await writeFile(file, archive);
    await withBox(async (box) => {
      const names = ['one:1', 'one:latest', 'other:1'];
      expect((await box.load(file)).flatMap((image) => image.names)).toEqual(names);
      expect((await box.load(createReadStream(file))).flatMap((image) => image.names)).toEqual(names);
      expect((await box.inspect('one:latest')).stored.config.digest).toBe(docker.config.descriptor.digest);
      expect(await readdir(join(box.home, 'tmp'))).toEqual(['partial']);
    });
  });

  it('an image without a name wants one', async () => {
    const file = fresh('archive');
    await writeFile(file, buildDockerArchive([{ image: docker, tags: [] }]));
    await withBox(async (box) => {
      await expect(box.load(file)).rejects.toMatchObject({
        code: 'ERR_BOX_USAGE',
        hint: expect.stringContaining('--tag') as string,
      });
      expect((await box.load(file, { tag: 'mine:1' }))[0]?.names).toEqual(['mine:1']);
    });
  });

  it('an archive that is damaged in its last image moves no name', async () => {
    const file = fresh('archive');
    const bytes = buildDockerArchive([
      { image: docker, tags: ['one:1'] },
      { image: foreign, tags: ['other:1'] },
    ]);
    const at = bytes.indexOf('arm', bytes.lastIndexOf('etc/name'));
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(file, bytes);
    await withBox(async (box) => {
      await expect(box.load(file)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_BOX_/) as string });
      expect(await box.images()).toEqual([]);
    });
  });

  it('a file that cannot be written, and what the store has not, leave nothing', async () => {
    const file = fresh('file');
    await writeFile(file, 'in the way');
    await withBox(async (box) => {
      await box.copy(`docker://${registry.host}/oci:1`, 'one:1');
      await expect(box.save(['one:1'], { to: join(file, 'x.tar') })).rejects.toMatchObject({
        code: 'ERR_BOX_SYSTEM_CALL',
        hint: expect.any(String) as string,
      });
      await expect(box.save(['one:1', 'nothing:1'], { to: file })).rejects.toMatchObject({
        code: 'ERR_BOX_IMAGE_UNKNOWN',
      });
      expect(await readFile(file, 'utf8')).toBe('in the way');
    });
  });

  it('ends with its signal, and leaves nothing', async () => {
    await withBox(async (box) => {
      await box.copy(`docker://${registry.host}/oci:1`, 'one:1');
      const file = fresh('saved');
      await expect(box.save(['one:1'], { to: file, signal: AbortSignal.abort() })).rejects.toMatchObject({
        name: 'AbortError',
      });
      expect(await readdir(directory.path)).not.toContain(file.split('/').at(-1));
    });
  });
});

asOrdinaryUser(import.meta.url);
