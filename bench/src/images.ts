import { randomBytes } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { MediaType } from '@boxkit/contracts';
import {
  buildImage,
  buildLayer,
  describe,
  opaque,
  pushDocument,
  runCommand,
  startRegistry,
  whiteout,
  writeTar,
  type BuiltLayer,
  type Registry,
  type TarEntry,
} from '@boxkit/testkit';
import { debianLayout } from '../../e2e/src/support/debian.ts';
import { skopeoCopy } from '../../e2e/src/support/images.ts';

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'boxkit-tests/bench-v1');

/** How each image is made. Kept in the storage of a registry, so that it is made once a machine. */
const makers: Readonly<Record<string, (registry: Registry) => Promise<void>>> = {
  'blob-45mb': (registry) => pushRandom(registry, 'blob-45mb', [45]),
  'blobs-20': (registry) =>
    pushRandom(
      registry,
      'blobs-20',
      Array.from({ length: 20 }, () => 10),
    ),
  'blob-800mb': (registry) => pushRandom(registry, 'blob-800mb', [800]),
  debian: async (registry) => {
    await skopeoCopy(`oci:${await debianLayout()}:debian`, `docker://${registry.host}/debian:latest`);
  },
  'debian-13-layers': pushDebianWithPackages,
  'debian-13-layers-zstd': async (registry) => {
    await imageReady(registry, 'debian-13-layers');
    const [from, to] = ['debian-13-layers', 'debian-13-layers-zstd'].map((name) => `docker://${registry.host}/${name}`);
    await skopeoCopy(from ?? '', to ?? '', ['--dest-compress-format', 'zstd', '--format', 'oci']);
  },
  'small-files': async (registry) => {
    const layers = [0, 1, 2, 3].map((layer) => buildLayer(smallFiles(layer, 10_000)));
    await pushDocument(registry, 'small-files', buildImage({ layers }), 'latest');
  },
  'large-files': async (registry) => {
    const layers = [0, 1].map((layer) => fastLayer([{ path: `large-${layer}`, content: halfRandom(400) }]));
    await pushDocument(registry, 'large-files', buildImage({ layers }), 'latest');
  },
  shared: pushShared,
  'layers-127': async (registry) => {
    const layers = Array.from({ length: 127 }, (_none, at) => buildLayer(manyLayersEntries(at)));
    await pushDocument(registry, 'layers-127', buildImage({ layers }), 'latest');
  },
};

/** A registry whose storage outlives it, with the images of these names. */
export async function benchRegistry(names: readonly string[]): Promise<Registry> {
  await mkdir(cache, { recursive: true });
  const registry = await startRegistry({ storage: join(cache, 'registry') });
  for (const name of names) await imageReady(registry, name);
  return registry;
}

async function imageReady(registry: Registry, name: string): Promise<void> {
  const mark = join(cache, `${name}.made`);
  const made = await access(mark).then(
    () => true,
    () => false,
  );
  if (made) return;
  process.stderr.write(`making the image ${name}\n`);
  const count = /^files-(\d+)$/.exec(name)?.[1];
  if (count === undefined) await makers[name]?.(registry);
  else await pushFiles(registry, name, Number(count));
  await writeFile(mark, '');
}

/** Made in pieces: a million entries do not fit into one list of parts. */
async function pushFiles(registry: Registry, name: string, count: number): Promise<void> {
  const parts: Buffer[] = [];
  for (let from = 0; from < count; from += 10_000) {
    const entries = Array.from({ length: Math.min(10_000, count - from) }, (_none, at): TarEntry => {
      return { path: `files/${Math.floor((from + at) / 1000)}/${from + at}` };
    });
    parts.push(writeTar(entries, { end: false }));
  }
  parts.push(writeTar([]));
  await pushDocument(registry, name, buildImage({ layers: [buildLayer(Buffer.concat(parts))] }), 'latest');
}

async function pushRandom(registry: Registry, name: string, megabytes: readonly number[]): Promise<void> {
  const layers = megabytes.map((size, at) =>
    fastLayer([{ path: `random-${at}`, content: randomBytes(size * 1_000_000) }]),
  );
  await pushDocument(registry, name, buildImage({ layers }), 'latest');
}

/** Compressed at the lowest level, which is enough for what hardly compresses. */
function fastLayer(entries: readonly TarEntry[]): BuiltLayer {
  const layer = buildLayer(entries, { compression: 'none' });
  const bytes = gzipSync(layer.tar, { level: 1 });
  return { ...layer, compression: 'gzip', bytes, descriptor: describe(bytes, MediaType.ociLayerGzip) };
}

/** Every second 4 KiB is random, the others repeat: about what a binary compresses to. */
function halfRandom(megabytes: number): Buffer {
  const content = Buffer.alloc(megabytes * 1_000_000, 'the quick brown fox jumps over the lazy dog. ');
  for (let at = 0; at + 4096 < content.length; at += 8192) randomBytes(4096).copy(content, at);
  return content;
}

function smallFiles(layer: number, count: number): TarEntry[] {
  return Array.from({ length: count }, (_none, at) => ({
    path: `tree/${at % 100}/${layer}-${at}`,
    content: `file ${at} of layer ${layer}\n`.repeat(1 + (at % 50)),
  }));
}

function manyLayersEntries(layer: number): TarEntry[] {
  const own = Array.from({ length: 20 }, (_none, at) => ({ path: `own/${layer}/${at}`, content: `${layer} ${at}` }));
  const hidden = layer % 10 === 9 ? [whiteout(`own/${layer - 5}`), opaque(`own/${layer - 6}`)] : [];
  return [...own, { path: 'shared/turn', content: String(layer) }, ...hidden];
}

const packages = ['git', 'vim-runtime', 'libicu72', 'python3.11-minimal', 'libpython3.11-stdlib', 'perl-modules-5.36'];
const morePackages = ['libperl5.36', 'cpp-12', 'binutils-x86-64-linux-gnu', 'openssl', 'curl', 'iproute2'];

/** The Debian with twelve layers of packages as apt downloads them; some delete what earlier ones brought. */
async function pushDebianWithPackages(registry: Registry): Promise<void> {
  const removals = new Map([
    [4, [whiteout('usr/share/vim')]],
    [8, [opaque('usr/share/doc')]],
  ]);
  const layers = await debianWithPackages([...packages, ...morePackages], removals);
  await pushDocument(registry, 'debian-13-layers', buildImage({ layers }), 'latest');
}

/** `shared-base`, `shared-derived` with three layers more, and `shared-new` of those three. */
async function pushShared(registry: Registry): Promise<void> {
  const [base, ...added] = await debianWithPackages(packages.slice(0, 3), new Map());
  if (base === undefined) throw new Error('there is no base layer');
  await pushDocument(registry, 'shared-base', buildImage({ layers: [base] }), 'latest');
  await pushDocument(registry, 'shared-derived', buildImage({ layers: [base, ...added] }), 'latest');
  await pushDocument(registry, 'shared-new', buildImage({ layers: added }), 'latest');
}

/** The Debian's layer and one for each package; `removals` go before the files of the package at that position. */
async function debianWithPackages(
  names: readonly string[],
  removals: ReadonlyMap<number, readonly TarEntry[]>,
): Promise<BuiltLayer[]> {
  const work = await mkdtemp(join(cache, 'packages-'));
  try {
    const options = ['-qq', '-o', 'APT::Sandbox::User=root'];
    await runCommand('apt-get', ['download', ...options, ...names], { cwd: work, timeout: 600_000 });
    const files = (await readdir(work)).toSorted();
    const layers: BuiltLayer[] = [await debianLayer(work)];
    for (const [at, file] of files.entries()) {
      const tar = join(work, 'data.tar');
      await runCommand('sh', ['-ec', `dpkg-deb --fsys-tarfile "$1" > "$2"`, 'sh', join(work, file), tar]);
      const removed = writeTar(removals.get(at) ?? [], { end: false });
      layers.push(buildLayer(Buffer.concat([removed, await readFile(tar)])));
    }
    return layers;
  } finally {
    await rm(work, { recursive: true });
  }
}

async function debianLayer(work: string): Promise<BuiltLayer> {
  const layout = await debianLayout();
  const tar = join(work, 'debian.tar');
  await runCommand('skopeo', [
    '--insecure-policy',
    'copy',
    '-q',
    '--dest-decompress',
    `oci:${layout}:debian`,
    `dir:${work}/dir`,
  ]);
  await runCommand('sh', ['-ec', 'cp "$(ls -S "$1"/dir/* | head -n 1)" "$2" && rm -r "$1/dir"', 'sh', work, tar]);
  const layer = buildLayer(await readFile(tar));
  await rm(tar);
  return layer;
}
