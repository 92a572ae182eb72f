import type {
  Descriptor,
  FetchedImage,
  Image,
  ImageConfig,
  Platform,
  StageContext,
  StoredImage,
} from '@boxkit/contracts';
import { formatPlatform, hostPlatform, normalizePlatform } from './platform.ts';
import { matchPlatform } from './platform-match.ts';

/** Characters of a configuration that is kept with the record. Most have some thousand. */
const largestKept = 64 * 1024;

/** What the store is to keep of an image, under the text of its reference. */
export function describeStoredImage(image: Image, updated: Date = new Date()): StoredImage {
  const needed = new Map<string, Descriptor>();
  for (const descriptor of [image.root, ...(image.documents ?? []), image.manifest, image.config]) {
    needed.set(descriptor.digest, descriptor);
  }
  for (const layer of image.layers) needed.set(layer.descriptor.digest, layer.descriptor);
  const blobs = [...needed.values()];
  return {
    reference: image.reference.text,
    root: image.root,
    manifest: image.manifest,
    config: image.config,
    platform: image.platform,
    ...(image.requested === undefined ? {} : { requested: image.requested }),
    ...(image.documents === undefined ? {} : { documents: image.documents }),
    blobs: blobs.map((blob) => blob.digest),
    layers: image.layers,
    ...(JSON.stringify(image.imageConfig).length > largestKept ? {} : { imageConfig: image.imageConfig }),
    size: blobs.reduce((sum, blob) => sum + blob.size, 0),
    updated: updated.toISOString(),
  };
}

/**
 * The image that the store already keeps for this root and platform, or undefined. Its documents were validated before
 * they were kept; a configuration that is not kept with them is read again, and its digest checked by the reader.
 */
export async function readStoredImage(
  input: FetchedImage,
  asked: Platform | undefined,
  context: StageContext,
): Promise<Image | undefined> {
  const stored = await context.store.images.get(input.reference.text);
  if (stored === undefined || !isSame(stored.root, input.descriptor)) return undefined;
  if (!servesAgain(stored, asked)) return undefined;
  if (!(await context.store.blobs.has(stored.config.digest))) return undefined;
  const { reference, blobs } = input;
  const { root, manifest, config, platform, layers, requested, documents } = stored;
  const kept = { ...(requested && { requested }), ...(documents && { documents }) };
  const imageConfig = stored.imageConfig ?? (await readConfiguration(stored, input, context));
  return { reference, root, manifest, config, platform, layers, imageConfig, blobs, ...kept };
}

async function readConfiguration(
  { config }: StoredImage,
  { blobs }: FetchedImage,
  { signal }: StageContext,
): Promise<ImageConfig> {
  const bytes = await blobs.read(config, { signal });
  return normalizeConfig(JSON.parse(new TextDecoder().decode(bytes)) as ImageConfig);
}

/** With another size it is read again, and its reader says what is wrong. */
function isSame(root: Descriptor, { digest, size }: Descriptor): boolean {
  return root.digest === digest && root.size === size;
}

// The same request chooses the same manifest; another one might find a closer variant in the index.
function servesAgain(stored: StoredImage, asked: Platform | undefined): boolean {
  const wanted = normalizePlatform(asked ?? hostPlatform());
  if (
    stored.requested !== undefined &&
    formatPlatform(normalizePlatform(stored.requested)) === formatPlatform(wanted)
  ) {
    return asked === undefined || matchPlatform(wanted, stored.platform) !== undefined;
  }
  return matchPlatform(wanted, stored.platform) === 0;
}

// What the schema does to a document that it accepts, for those few fields that it changes.
function normalizeConfig(document: ImageConfig): ImageConfig {
  const config = dropNulls(document);
  const { os, architecture = '', config: inner } = config;
  const plain = { ...config, os: os === undefined || os === '' ? 'linux' : os, architecture } as ImageConfig;
  if (inner === undefined || inner === null) return plain;
  const { Entrypoint, Cmd, ...rest } = dropNulls(inner);
  return {
    ...plain,
    config: { ...rest, ...(Entrypoint && { Entrypoint: asList(Entrypoint) }), ...(Cmd && { Cmd: asList(Cmd) }) },
  };
}

function asList(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

function dropNulls<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null)) as Partial<T>;
}
