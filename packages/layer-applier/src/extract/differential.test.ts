import { mkdir, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import {
  compareTrees,
  requireRoot,
  requireTool,
  runCommand,
  temporaryDirectory,
  writeTar,
  type TarEntry,
} from '@boxkit/testkit';
import { layerOf, stage } from './layer.fixture.ts';

/** Names that collide, also as prefixes of one another. */
const name = fc.constantFrom('a', 'b', 'aa', 'é', 'with space', '.hidden', 'x\ny');
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
const attributes = {
  mode: fc.constantFrom(0o644, 0o755, 0o4755, 0o2770, 0o600, 0o1777),
  uid: fc.constantFrom(0, 1, 65_534, 100_000),
  gid: fc.constantFrom(0, 1, 65_534, 100_000),
  mtime: fc.constantFrom(0, 1, 1_700_000_000, 4_000_000_000),
};

const anyEntry: fc.Arbitrary<TarEntry> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ path, content: fc.string({ maxLength: 20 }), ...attributes }) },
  {
    weight: 4,
    arbitrary: fc.record({
      path: path.map((text) => `${text}/`),
      type: fc.constant('directory' as const),
      ...attributes,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      path,
      type: fc.constant('symlink' as const),
      link: fc.oneof(
        path,
        path.map((text) => `/${text}`),
      ),
      ...attributes,
    }),
  },
  { weight: 2, arbitrary: fc.record({ path, type: fc.constant('hardlink' as const), link: path, ...attributes }) },
  { weight: 1, arbitrary: fc.record({ path, type: fc.constant('fifo' as const), ...attributes }) },
);

/**
 * Keeps what every program agrees on: parents come first and as directories, no path twice, hardlinks only to files
 * before them. The rest is the business of layer-rules.test.ts.
 */
function tame(entries: readonly TarEntry[]): TarEntry[] {
  const kept: TarEntry[] = [{ path: './', type: 'directory', mtime: 5 }];
  const types = new Map<string, string>([['', 'directory']]);
  for (const entry of entries) {
    const at = String(entry.path).replace(/\/$/, '');
    const slash = at.lastIndexOf('/');
    if (types.has(at) || types.get(slash === -1 ? '' : at.slice(0, slash)) !== 'directory') continue;
    if (entry.type === 'hardlink' && types.get(String(entry.link)) !== 'file') continue;
    types.set(at, entry.type ?? 'file');
    kept.push(entry);
  }
  return kept;
}

const layers = fc.array(anyEntry, { minLength: 1, maxLength: 40 }).map(tame);

test('random layers are extracted as GNU tar extracts them', async (context) => {
  requireRoot(context);
  await fc.assert(
    fc.asyncProperty(layers, fc.constantFrom('pax' as const, 'gnu' as const), async (entries, format) => {
      await using directory = await temporaryDirectory('differential');
      const tar = writeTar(entries, { format });
      const other = join(directory.path, 'other');
      await mkdir(other);
      await writeFile(join(directory.path, 'layer.tar'), tar);
      await runCommand('tar', [
        '--numeric-owner',
        '--delay-directory-restore',
        '-xpf',
        join(directory.path, 'layer.tar'),
        '-C',
        other,
      ]);
      const staged = await stage(directory.path, tar, { blob: gzipSync(tar) });
      expect(await compareTrees(staged.path, other)).toEqual([]);
    }),
    { numRuns: 25 },
  );
}, 120_000);

/** What umoci and the specification agree on even without tameness: clashes, implied parents, `..`, symlinked parents. */
const wild = fc.array(
  fc.oneof(
    // Below a setgid directory the kernel makes umoci's implied directories setgid too; to box they are 0755.
    anyEntry.filter(({ type, mode = 0 }) => type !== 'hardlink' && !(type === 'directory' && mode & 0o2000)),
    fc.record({ path: path.map((text) => `./${text}`), content: fc.constant('other spelling') }),
  ),
  { minLength: 1, maxLength: 25 },
);

test('random layers, clashes and all, are extracted as umoci extracts them', async (context) => {
  requireRoot(context);
  requireTool(context, 'umoci');
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(wild, async (entries) => {
      await using directory = await temporaryDirectory('differential');
      const tar = writeTar(entries);
      const reference = await umociUnpack(directory.path, tar);
      const staged = await stage(directory.path, tar).catch((error: { code: string }) => error.code);
      if (reference === undefined || typeof staged === 'string') return;
      compared++;
      // umoci puts the time of the extraction on what is only implied, and on the parents of what it replaces.
      const differences = await compareTrees(staged.path, reference, { ignore: ['mtime'] });
      expect(differences.filter((line) => !line.startsWith('.:'))).toEqual([]);
    }),
    { numRuns: 25 },
  );
  expect(compared).toBeGreaterThan(5);
}, 120_000);

/** The rootfs of an image of this one layer; undefined when umoci refuses it. */
async function umociUnpack(parent: string, tar: Buffer): Promise<string | undefined> {
  const layout = join(parent, 'layout');
  const blobs = join(layout, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  const put = async (bytes: Buffer): Promise<{ digest: string; size: number }> => {
    const { digest, size } = layerOf(bytes).descriptor;
    await writeFile(join(blobs, digest.slice(7)), bytes);
    return { digest, size };
  };
  const json = (value: object): Promise<{ digest: string; size: number }> => put(Buffer.from(JSON.stringify(value)));
  const media = 'application/vnd.oci.image';
  const layer = { mediaType: `${media}.layer.v1.tar`, ...(await put(tar)) };
  const rootfs = { type: 'layers', diff_ids: [layer.digest] };
  const config = {
    mediaType: `${media}.config.v1+json`,
    ...(await json({ os: 'linux', architecture: 'amd64', rootfs, config: {} })),
  };
  const manifest = {
    mediaType: `${media}.manifest.v1+json`,
    ...(await json({ schemaVersion: 2, config, layers: [layer] })),
  };
  const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'x' } };
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
  const rootfsPath = join(parent, 'umoci');
  try {
    await runCommand('umoci', ['raw', 'unpack', '--image', `${layout}:x`, rootfsPath]);
    return rootfsPath;
  } catch {
    return undefined;
  }
}
