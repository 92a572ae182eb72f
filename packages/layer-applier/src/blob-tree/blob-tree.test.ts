import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isBoxError, type Image } from '@boxkit/contracts';
import { applyModel, buildLayer, digestOf, type BuiltLayer, type TarEntry, type TreeEntry } from '@boxkit/testkit';
import { imageOf } from '../drivers/image.fixture.ts';
import { overlayDriver } from '../drivers/overlay-driver.ts';
import { openStackPlace, requireSame, type StackPlace } from '../drivers/stack-trees.fixture.ts';
import { buildStack, stacks } from '../drivers/stacks.fixture.ts';
import { streamFile } from '../queries/stream-file.ts';
import { openBlobTree } from './open-blob-tree.ts';
import { readBlobContent } from './read-blob-content.ts';
import type { DirectoryNode, TreeNode } from './nodes.ts';

let place: StackPlace;
beforeAll(async () => {
  place = await openStackPlace();
});
afterAll(() => place[Symbol.asyncDispose]());

async function whole(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(Uint8Array.from(chunk));
  return Buffer.concat(all);
}

const read = (image: Image, path: string): Promise<string> =>
  whole(streamFile(image, path, place.context())).then(String);

/** Paths to what is there, by the model and by the blobs. */
function told(tree: ReadonlyMap<string, TreeEntry>): [string, string][] {
  const short = { char: 'other', block: 'other', fifo: 'other', socket: 'other' } as Record<string, string>;
  return [...tree]
    .filter(([path]) => path !== '.')
    .map(([path, { type, link, content }]) => [path, `${short[type] ?? type} ${link ?? content ?? ''}`]);
}

async function seen(image: Image, directory: DirectoryNode, path = ''): Promise<[string, string][]> {
  const listed: [string, string][] = [];
  for (const [name, node] of [...directory.children].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const own = path === '' ? name : `${path}/${name}`;
    listed.push([own, await shown(image, node)]);
    if (node.kind === 'directory') listed.push(...(await seen(image, node, own)));
  }
  return listed;
}

async function shown(image: Image, node: TreeNode): Promise<string> {
  if (node.kind === 'symlink') return `symlink ${node.target}`;
  if (node.kind !== 'file') return `${node.kind} `;
  const content = await whole(readBlobContent(image, node, new AbortController().signal));
  return `file ${digestOf(content).slice(7)}`;
}

test('random stacks: the blobs alone show what the model says', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(stacks, async (layers) => {
      const image = imageOf(buildStack(layers));
      const model = applyModel(layers);
      const tree = await openBlobTree(image, place.context()).catch((error: unknown) => {
        if (isBoxError(error, 'ERR_BOX_LAYER_INVALID')) return undefined;
        throw error;
      });
      const ours = tree === undefined ? undefined : await seen(image, tree);
      const lines = (list: [string, string][] | undefined): string => JSON.stringify(list?.toSorted(), null, 1);
      const wanted = lines(model === undefined ? undefined : told(model));
      requireSame(layers, lines(ours) === wanted ? [] : [lines(ours), wanted]);
    }),
    { numRuns: Number(process.env['BOX_STACKS'] ?? 100) },
  );
});

const sparse: TarEntry = {
  path: 'holes',
  content: 'startend',
  pax: {
    'GNU.sparse.major': '0',
    'GNU.sparse.minor': '1',
    'GNU.sparse.map': '3,5,100000,3',
    'GNU.sparse.size': '200000',
  },
};
const built: readonly BuiltLayer[] = [
  buildLayer(
    [
      { path: 'etc/os-release', type: 'symlink', link: '../usr/lib/os-release' },
      { path: 'usr/lib/os-release', content: 'ID=base\n' },
      { path: 'lib', type: 'symlink', link: '/usr/lib' },
      { path: 'big', content: Buffer.alloc(3 * 2 ** 20, 'big') },
      sparse,
      { path: 'gone', content: 'x' },
      { path: 'pipe', type: 'fifo' },
      { path: 'round', type: 'symlink', link: 'round' },
    ],
    { compression: 'zstd' },
  ),
  buildLayer([
    { path: 'lib/added', content: 'through the link' },
    { path: '.wh.gone' },
    { path: 'hard', type: 'hardlink', link: 'usr/lib/os-release' },
    { path: Buffer.from('caf\u00e9'), content: 'name' },
  ]),
];

const stored = (): string[] =>
  ['layers', 'rootfs', 'containers'].flatMap((kind) => listed(join(place.context().store.home, kind)));
const listed = (path: string): string[] => readdirSync(path, { recursive: true }) as string[];

test('a file is read from the blobs as from the extracted layers, and the former writes nothing', async () => {
  const image = imageOf(built);
  const before = stored();
  const paths = [
    '/etc/os-release',
    'lib/added',
    '/usr/lib/added',
    '/hard',
    'etc/../lib/./os-release',
    '/caf\u00e9',
    'big',
    'holes',
  ];
  const refused = ['/gone', '/none', '/etc', '/', '/pipe', '/round', '/etc/os-release/x', '/..'];
  const readAll = async (): Promise<string[]> => {
    const answers: string[] = [];
    for (const path of [...paths, ...refused]) {
      answers.push(
        await read(image, path).then(
          (content) => digestOf(Buffer.from(content)),
          (error: unknown) => (isBoxError(error) ? error.code : String(error)),
        ),
      );
    }
    return answers;
  };
  const fromBlobs = await readAll();
  expect(stored()).toEqual(before);
  expect(await read(image, 'etc/os-release')).toBe('ID=base\n');
  expect((await whole(streamFile(image, 'holes', place.context()))).subarray(0, 9)).toEqual(
    Buffer.from('\0\0\0start\0'),
  );
  expect(new Set(fromBlobs.slice(paths.length))).toEqual(new Set(['ERR_BOX_FILE_UNREADABLE']));
  await using container = await place.context().store.containers.create({});
  await overlayDriver().prepare(image, place.context(), { containerPath: container.path });
  expect(await readAll()).toEqual(fromBlobs);
});

test('a blob is read to the end of the file and no further, once the tree is known', async () => {
  const image = imageOf([
    buildLayer(
      [
        { path: 'first', content: 'f' },
        { path: 'rest', content: Buffer.alloc(8 * 2 ** 20, 1) },
      ],
      { compression: 'none' },
    ),
  ]);
  const tree = await openBlobTree(image, place.context());
  const node = tree.children.get('first');
  let taken = 0;
  const counted: Image = {
    ...image,
    blobs: {
      ...image.blobs,
      open: (descriptor, options) => ({
        path: undefined,
        async *[Symbol.asyncIterator]() {
          for await (const chunk of image.blobs.open(descriptor, options)) {
            taken += chunk.length;
            yield chunk;
          }
        },
      }),
    },
  };
  expect(node?.kind).toBe('file');
  if (node?.kind === 'file') await whole(readBlobContent(counted, node, new AbortController().signal));
  expect(taken).toBeLessThan(2 ** 18);
});

test('what is wrong with a blob is told as an extraction tells it', async () => {
  const bad = imageOf([buildLayer([{ path: '../x', content: '' }])]);
  await expect(read(bad, 'x')).rejects.toMatchObject({ code: 'ERR_BOX_LAYER_UNSAFE' });
  const good = buildLayer([{ path: 'x', content: '' }]);
  const lying = imageOf([{ ...good, diffId: buildLayer([]).diffId }]);
  await expect(read(lying, 'x')).rejects.toMatchObject({ code: 'ERR_BOX_DIFFID_MISMATCH' });
  const two = imageOf([
    buildLayer([
      { path: 'one', content: '' },
      { path: 'two', content: '' },
    ]),
  ]);
  const budgets = { entries: 1 };
  await expect(whole(streamFile(two, 'x', place.context(), { budgets }))).rejects.toMatchObject({
    code: 'ERR_BOX_BUDGET_EXCEEDED',
  });
});
