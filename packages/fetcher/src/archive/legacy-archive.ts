import { createHash } from 'node:crypto';
import { parseDigest, type Digest, type ResolvedImage } from '@boxkit/contracts';
import { parseJson } from '@boxkit/manifest';
import { entryName, readWhole, type ArchiveFile, type ArchiveFiles } from './archive-files.ts';
import { compressionOf, decoded } from './compression.ts';
import { chooseArchivedImage } from './docker-manifest.ts';
import { ArchiveError, parseEntry } from './errors.ts';
import { firstBytes } from './docker-archive.ts';
import { type ArchivedLayer, makeManifest } from './made-manifest.ts';
import { resolvedImage } from './resolved-image.ts';

export const repositoriesName = 'repositories';

const documentLimit = 4 * 1024 * 1024;
/** Docker itself stops at 127 layers. */
const chainLimit = 1000;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads an archive of docker before 1.10, which has no manifest.json: `repositories` names the top layer, and each
 * layer's `json` its parent. Configuration and manifest are made from them. docker's image specification v1.0.
 */
export async function resolveLegacyImage(
  files: ArchiveFiles,
  tag: string | undefined,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const top = await chooseTop(files, tag, signal);
  const chain = await readChain(files, top, signal);
  const places = new Map<Digest, ArchiveFile>();
  const layers: ArchivedLayer[] = [];
  const diffIds: string[] = [];
  for (const { layerId } of chain) {
    const layer = await describeLayer(files, `${layerId}/layer.tar`, signal);
    places.set(layer.digest, layer.file);
    layers.push(layer);
    diffIds.push(layer.diffId);
  }
  const { manifest, config } = makeManifest(json(configOf(chain, diffIds)), layers);
  return resolvedImage(files, manifest.descriptor, {
    documents: [manifest, config],
    find: (digest) => Promise.resolve(places.get(digest)),
  });
}

/** `{ NAME: { TAG: LAYER } }` */
async function readTops(
  files: ArchiveFiles,
  signal: AbortSignal,
): Promise<
  readonly { readonly config: string; readonly layers: readonly string[]; readonly tags: readonly string[] }[]
> {
  const repositories = await readObject(files, repositoriesName, signal);
  const tops = new Map<string, string[]>();
  for (const [name, tags] of Object.entries(repositories)) {
    for (const [each, layerId] of Object.entries(Object(tags) as Fields)) {
      if (typeof layerId !== 'string')
        throw new ArchiveError(files.path, repositoriesName, `${name}: ${each} is no text`);
      tops.set(layerId, [...(tops.get(layerId) ?? []), `${name}:${each}`]);
    }
  }
  const images = [...tops].map(([layerId, tags]) => ({ config: layerId, layers: [], tags }));
  if (images.length === 0) throw new ArchiveError(files.path, repositoriesName, 'it names no image');
  return images;
}

/** The names of each image in such an archive. */
export async function legacyNames(files: ArchiveFiles, signal: AbortSignal): Promise<readonly (readonly string[])[]> {
  return (await readTops(files, signal)).map(({ tags }) => tags);
}

async function chooseTop(files: ArchiveFiles, tag: string | undefined, signal: AbortSignal): Promise<string> {
  return chooseArchivedImage(files.path, await readTops(files, signal), tag).config;
}

interface LegacyLayer {
  readonly layerId: string;
  readonly fields: Fields;
}

/** From the lowest layer to the top. */
async function readChain(files: ArchiveFiles, top: string, signal: AbortSignal): Promise<readonly LegacyLayer[]> {
  const chain: LegacyLayer[] = [];
  for (let next: unknown = top; next !== undefined && next !== null && next !== '';) {
    if (typeof next !== 'string') throw new ArchiveError(files.path, chain[0]?.layerId, 'its parent is no text');
    const layerId = entryName(files.path, next, 'the identifier of a layer');
    if (layerId.includes('/')) throw new ArchiveError(files.path, layerId, 'it is no identifier of a layer');
    const fields = await readObject(files, `${layerId}/json`, signal);
    chain.unshift({ layerId, fields });
    if (chain.length > chainLimit)
      throw new ArchiveError(files.path, layerId, `more than ${chainLimit} layers lie above it`);
    next = fields['parent'];
  }
  return chain;
}

async function readObject(files: ArchiveFiles, name: string, signal: AbortSignal): Promise<Fields> {
  const bytes = await readWhole(files, name, { limit: documentLimit, signal });
  const value = parseEntry(files.path, name, () => parseJson(bytes, name));
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new ArchiveError(files.path, name, 'it is no object');
}

async function describeLayer(
  files: ArchiveFiles,
  name: string,
  signal: AbortSignal,
): Promise<ArchivedLayer & { readonly diffId: string; readonly file: ArchiveFile }> {
  const file = await files.find(name);
  if (file === undefined) throw new ArchiveError(files.path, name, 'it is missing');
  const compression = compressionOf(await firstBytes(file, signal), files.path, name) ?? 'none';
  const stored = createHash('sha256');
  const plain = createHash('sha256');
  const passing = async function* () {
    for await (const chunk of file.read(0, signal)) {
      stored.update(chunk);
      yield chunk;
    }
  };
  for await (const chunk of decoded(passing(), compression, files.path, name)) plain.update(chunk);
  const digest = parseDigest(`sha256:${stored.digest('hex')}`);
  return { compression, digest, size: file.size, diffId: `sha256:${plain.digest('hex')}`, file };
}

/** As docker turns its old configurations into today's: what named the layer goes, the root file system comes. */
function configOf(chain: readonly LegacyLayer[], diffIds: readonly string[]): Fields {
  const {
    id: _id,
    parent: _parent,
    Size: _size,
    layer_id: _layerId,
    throwaway: _throwaway,
    ...top
  } = chain.at(-1)?.fields ?? {};
  const history = chain.map(({ fields }) => {
    const { Cmd: command } = Object(fields['container_config']) as Fields;
    const createdBy = Array.isArray(command) ? { created_by: command.join(' ') } : {};
    return { ...pick(fields, ['created', 'author', 'comment']), ...createdBy };
  });
  return { ...top, rootfs: { type: 'layers', diff_ids: diffIds }, history };
}

function pick(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(
    names.filter((name) => typeof fields[name] === 'string').map((name) => [name, fields[name]]),
  );
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
