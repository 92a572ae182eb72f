import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import {
  buildImage,
  buildLayer,
  describe,
  differences,
  folderOf,
  layerRules,
  readTree,
  requireRoot,
  requireTool,
  runCommand,
  tarsOfAll,
  temporaryDirectory,
  tryCommand,
  unlike,
  writeOciLayout,
  writeTar,
  type BuiltLayer,
  type ShownByStack,
  type TarEntry,
  type TemporaryDirectory,
  type Tree,
} from '@boxkit/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectSuccess, registryHost, runBox } from './support/box.ts';
import { podmanPush, podmanTree } from './support/podman.ts';

const stacks: readonly (readonly [rule: string, stack: ShownByStack])[] = Object.values(layerRules)
  .flat()
  .flatMap(({ rule, shown }) => ('layers' in shown ? [[rule, shown] as const] : []));
/** The stacks that stand in one image, each in a folder of its own. */
const together =
  process.env['APART'] === '1'
    ? []
    : stacks.map(([, stack]) => stack).filter(({ isApart, fails }) => isApart !== true && fails === undefined);

/** What each program makes of an image; undefined when it refuses it. */
interface Trees {
  readonly box: Tree | undefined;
  readonly umoci: Tree | undefined;
  readonly podman: Tree | undefined;
}

let work: TemporaryDirectory;
let all: Trees | undefined;
let count = 0;

beforeAll(async () => {
  work = await temporaryDirectory('layer-rules');
  if (process.getuid?.() === 0) all = await treesOf(tarsOfAll(together));
}, 200_000);
afterAll(() => work[Symbol.asyncDispose]());

function treesOf(tars: readonly Uint8Array[]): Promise<Trees> {
  return treesOfLayers(tars.map((tar) => buildLayer(tar)));
}

async function treesOfLayers(layers: readonly BuiltLayer[]): Promise<Trees> {
  const at = join(work.path, `image-${(count += 1)}`);
  await writeOciLayout(at, [{ document: buildImage({ layers }), name: 'x' }]);
  const [made, bundle] = [`${at}-box`, `${at}-umoci`];
  const [box, umoci, podman] = await Promise.all([
    runBox(work.path, ['unpack', `oci:${at}:x`, made]),
    tryCommand('umoci', ['raw', 'unpack', '--image', `${at}:x`, bundle]),
    podmanTree(`${at}-podman`, `oci:${basename(at)}:x`, work.path),
  ]);
  if (box.code !== 0 && !box.stderr.includes('ERR_BOX_LAYER_')) throw new Error(box.stderr);
  return {
    box: box.code === 0 ? await readTree(made) : undefined,
    umoci: umoci.code === 0 ? await readTree(bundle) : undefined,
    podman: podman === undefined ? undefined : await readTree(podman),
  };
}

/** The lines of two trees' differences that this stack has a say in: none says the time of an implied directory. */
function told(stack: ShownByStack, left: Tree | undefined, right: Tree | undefined, folder: string): string[] {
  if (left === undefined || right === undefined) return left === right ? [] : ['only one of the two fails'];
  const top = folder === '.' ? '' : `${folder}/`;
  return differences(left, right)
    .filter((line) => line.startsWith(top))
    .map((line) => line.slice(top.length))
    .filter((line) => {
      const [path = ''] = line.split(/: (?:mtime|mode|owner) /);
      const said = stack.tree?.[path];
      if (path === '.' && said === undefined) return false;
      return !line.startsWith(`${path}: mtime `) || said?.type !== 'directory' || said.mtime !== undefined;
    });
}

test.for(stacks)('beside peers: %s', { timeout: 100_000 }, async ([, stack], context) => {
  requireRoot(context);
  requireTool(context, 'umoci', 'podman', 'getfattr');
  const position = together.indexOf(stack);
  const folder = position < 0 ? '.' : folderOf(position);
  const tars = stack.layers.map((entries) => writeTar(entries, stack.format === undefined ? {} : stack));
  const trees = position < 0 ? await treesOf(tars) : all;
  expect(trees?.box === undefined).toBe(stack.fails !== undefined);
  expect(unlike(trees?.box ?? new Map(), stack, folder)).toEqual([]);
  for (const peer of ['umoci', 'podman'] as const) {
    const lines = told(stack, trees?.box, trees?.[peer], folder);
    // A note of how a peer does otherwise must be true, too.
    const isOther = stack.otherwise?.[peer] !== undefined;
    expect([peer, ...(isOther ? [lines.length > 0] : lines)]).toEqual([peer, ...(isOther ? [true] : [])]);
  }
});

/** A layer whose blob is other bytes than the tar. */
function wrapped(tar: Uint8Array, bytes: Uint8Array): BuiltLayer {
  const { diffId, descriptor } = buildLayer(tar);
  return { tar, bytes, diffId, compression: 'gzip', descriptor: describe(bytes, descriptor.mediaType) };
}

test('layers in every compression, their media types wrong, are the tree that podman makes', async (context) => {
  requireRoot(context);
  requireTool(context, 'podman', 'getfattr');
  const tars = ['a', 'b', 'c', 'd'].map((path) => writeTar([{ path, content: path.repeat(2000) }]));
  const [plain, gzip, zstd, both] = tars as [Buffer, Buffer, Buffer, Buffer];
  const half = Math.floor(zstd.length / 2);
  const skippable = Buffer.concat([Buffer.from('502a4d1804000000', 'hex'), Buffer.from('skip')]);
  const trees = await treesOfLayers([
    wrapped(plain, plain),
    wrapped(gzip, Buffer.concat([gzipSync(gzip.subarray(0, 700)), gzipSync(gzip.subarray(700)), gzipSync('')])),
    wrapped(
      zstd,
      Buffer.concat([zstdCompressSync(zstd.subarray(0, half)), skippable, zstdCompressSync(zstd.subarray(half))]),
    ),
    wrapped(both, gzipSync(both)),
  ]);
  expect([...(trees.box?.keys() ?? [])]).toEqual(['.', 'a', 'b', 'c', 'd']);
  expect(told({ layers: [] }, trees.box, trees.podman, '.')).toEqual([]);
});

test('a layer that ends early fails here and at the peers, and leaves nothing', async (context) => {
  requireRoot(context);
  requireTool(context, 'umoci', 'podman');
  const tar = writeTar([{ path: 'a', content: randomBytes(20_000) }]);
  for (const bytes of [gzipSync(tar).subarray(0, -9), Buffer.concat([gzipSync(tar), gzipSync('').subarray(0, -3)])]) {
    const trees = await treesOfLayers([buildLayer([{ path: 'low', content: 'x' }]), wrapped(tar, bytes)]);
    expect(trees).toEqual({ box: undefined, umoci: undefined, podman: undefined });
    await expect(readdir(join(work.path, `image-${count}-box`))).rejects.toMatchObject({ code: 'ENOENT' });
  }
});

test("podman's zstd:chunked layers, from a registry, are the tree that they were made of", async (context) => {
  const host = registryHost(context);
  requireTool(context, 'podman', 'getfattr');
  const home = join(work.path, 'chunked-storage');
  const name = `${host}/zstd-chunked:latest`;
  // Layers that no registry has seen: podman compresses no others anew.
  const folder: TarEntry = { path: 'd/', type: 'directory', mode: 0o2750, uid: 5, gid: 6, mtime: 7 };
  const low = writeTar([
    folder,
    { path: 'd/random', content: randomBytes(2_000_000), mtime: '1700000000.123456789' },
    { path: 'd/zeros', content: Buffer.alloc(300_000), xattrs: { 'user.x': Buffer.from([0, 255]) } },
    { path: 'empty', content: '', mode: 0o4755, uid: 3_000_000_000 },
    { path: 'linked', type: 'hardlink', link: 'd/random', mtime: '1700000000.123456789' },
    { path: 'symlink', type: 'symlink', link: '/d/random', uid: 9 },
    { path: 'pipe', type: 'fifo' },
  ]);
  const up = writeTar([folder, { path: 'd/random', content: randomBytes(100_000) }]);
  const document = buildImage({ layers: [buildLayer(low), buildLayer(up)] });
  await writeOciLayout(join(work.path, 'chunked'), [{ document, name: 'x' }]);
  const theirs = (await podmanTree(home, 'oci:chunked:x', work.path)) ?? '';
  await podmanPush(home, `docker://${name}`, 'zstd:chunked');
  const manifest = await runCommand('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${name}`]);
  expect(manifest.stdout).toContain('zstd-chunked.manifest-checksum');
  expectSuccess(await runBox(work.path, ['unpack', name, join(home, 'tree')]));
  const lines = told({ layers: [] }, await readTree(join(home, 'tree')), await readTree(theirs), '.');
  expect(lines).toEqual([]);
});
