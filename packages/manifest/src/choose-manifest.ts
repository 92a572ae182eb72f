import { BoxError, type BlobReader, type Descriptor, type Platform } from '@boxkit/contracts';
import { parseDocument, parseImageConfig } from './document.ts';
import { documentKind, essence, isAttestation, isGeneric, isImageConfig, isSchema1 } from './media-types.ts';
import { formatPlatform } from './platform.ts';
import { choosePlatform, matchPlatform } from './platform-match.ts';
import type { ImageManifest } from './schemas.ts';

/** How many indexes may lie within each other. */
export const indexDepthLimit = 8;
/** How many documents one reference may make us read. */
const documentLimit = 128;

/** A manifest, and every index and manifest that was read on the way to it, the root first. */
export interface ChosenManifest {
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
  readonly documents: readonly Descriptor[];
}

export interface ChooseOptions {
  readonly blobs: BlobReader;
  readonly platform: Platform;
  readonly signal?: AbortSignal;
  /** For errors: what a person calls the image. */
  readonly name: string;
}

interface Walk extends ChooseOptions {
  readonly offered: Platform[];
  read: number;
}

/**
 * Follows indexes from `root` to the manifest for a platform. Entries that name their platform are ranked; those that
 * do not are opened, and their configuration asked. Throws ERR_BOX_PLATFORM_MISSING, listing what there is.
 */
export async function chooseManifest(root: Descriptor, options: ChooseOptions): Promise<ChosenManifest> {
  const walk: Walk = { ...options, offered: [], read: 0 };
  const found = await descend(root, [], walk);
  if (found !== undefined) return found;
  throw platformMissing(options.name, options.platform, walk.offered);
}

async function descend(
  descriptor: Descriptor,
  above: readonly Descriptor[],
  walk: Walk,
): Promise<ChosenManifest | undefined> {
  const what = `the ${documentKind(essence(descriptor.mediaType)) ?? 'manifest'} of ${walk.name}`;
  if (above.some((ancestor) => ancestor.digest === descriptor.digest)) {
    throw new BoxError(
      'ERR_BOX_DOCUMENT_INVALID',
      `cannot use ${what}: the index ${descriptor.digest} contains itself`,
    );
  }
  if (above.length > indexDepthLimit) {
    throw new BoxError(
      'ERR_BOX_DOCUMENT_INVALID',
      `cannot use ${what}: its indexes nest deeper than ${indexDepthLimit} levels`,
    );
  }
  walk.read += 1;
  if (walk.read > documentLimit) {
    throw new BoxError(
      'ERR_BOX_DOCUMENT_INVALID',
      `cannot use ${what}: more than ${documentLimit} documents would have to be read to find its platform`,
    );
  }
  const bytes = await walk.blobs.read(descriptor, signalOf(walk));
  const document = parseDocument(bytes, descriptor.mediaType, what);
  const documents = [...above, { ...descriptor, mediaType: document.mediaType }];
  if (document.kind === 'index') return await chooseEntry(document.index.manifests, documents, walk);
  return { descriptor: { ...descriptor, mediaType: document.mediaType }, manifest: document.manifest, documents };
}

async function chooseEntry(
  entries: readonly Descriptor[],
  above: readonly Descriptor[],
  walk: Walk,
): Promise<ChosenManifest | undefined> {
  const images = entries.filter(isImageEntry);
  const refused = images.find((entry) => isSchema1(entry.mediaType));
  const named = images.filter((entry) => hasPlatform(entry.platform));
  for (let rest = named; rest.length > 0;) {
    const best =
      rest[
        choosePlatform(
          walk.platform,
          rest.map((entry) => entry.platform),
        ) ?? -1
      ];
    if (best === undefined) break;
    const found = await descend(best, above, walk);
    if (found !== undefined) return found;
    rest = rest.filter((entry) => entry !== best);
  }
  walk.offered.push(...named.flatMap((entry) => entry.platform ?? []));
  for (const entry of images.filter((candidate) => !hasPlatform(candidate.platform))) {
    const found = await descend(entry, above, walk);
    if (found === undefined) continue;
    if (found.descriptor.digest !== entry.digest || (await suits(found, images.length, walk))) return found;
  }
  if (refused !== undefined) parseDocument(new Uint8Array(), refused.mediaType, `an entry of ${walk.name}`);
  return undefined;
}

/** Whether the configuration of a manifest without a platform of its own is for ours; an only child always is. */
async function suits(found: ChosenManifest, siblings: number, walk: Walk): Promise<boolean> {
  if (siblings === 1) return true;
  if (!isImageConfig(found.manifest.config.mediaType)) return false;
  const bytes = await walk.blobs.read(found.manifest.config, signalOf(walk));
  const config = parseImageConfig(bytes, `the configuration of ${walk.name}`);
  if (matchPlatform(walk.platform, config) !== undefined) return true;
  walk.offered.push(config);
  return false;
}

function isImageEntry(entry: Descriptor): boolean {
  if (isAttestation(entry)) return false;
  const type = essence(entry.mediaType);
  return documentKind(type) !== undefined || isSchema1(type) || isGeneric(type);
}

function hasPlatform(platform: Platform | undefined): platform is Platform {
  return platform !== undefined && platform.os !== '' && platform.architecture !== '';
}

function signalOf(walk: Walk): { signal?: AbortSignal } {
  return walk.signal === undefined ? {} : { signal: walk.signal };
}

/** The error of a miss. */
export function platformMissing(name: string, wanted: Platform, offered: readonly Platform[]): BoxError {
  const list = [...new Set(offered.map(formatPlatform))];
  const shown =
    list.length === 0
      ? 'it has no images at all'
      : `it has ${list.slice(0, 30).join(', ')}${list.length > 30 ? ', ...' : ''}`;
  return new BoxError('ERR_BOX_PLATFORM_MISSING', `cannot find ${formatPlatform(wanted)} in ${name}: ${shown}`, {
    ...(list.length === 0 ? {} : { hint: 'Name one of them with --platform.' }),
    fields: { wanted: formatPlatform(wanted), offered: list },
  });
}
