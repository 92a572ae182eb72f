import { existsSync } from 'node:fs';
import { BoxError } from '@boxkit/contracts';
import type { Platform, Reference, Store, StoredImage } from '@boxkit/contracts';
import { builtInSchemes, formatPlatform, hostPlatform, matchPlatform, parseReference } from '@boxkit/manifest';
import type { LazyRegistry } from '../built-in.ts';
import type { PullPolicy } from '../options.ts';
import { findByDigest } from './find-by-digest.ts';

export interface FoundImage {
  readonly reference: Reference;
  /** Set when the store can serve it alone. */
  readonly stored?: StoredImage;
}

export interface FindOptions {
  readonly platform?: Platform;
  readonly pull?: PullPolicy;
}

/**
 * Reads a reference, and looks whether the store can serve it without asking its source. What begins a digest of a stored
 * image is that image.
 */
export async function findImage(
  text: string,
  options: FindOptions,
  { store, plugins }: { readonly store: Store; readonly plugins: LazyRegistry },
): Promise<FoundImage> {
  const byDigest = options.pull === 'always' ? undefined : await findByDigest(text, store);
  if (byDigest !== undefined) return ofStored(byDigest, options, { store, plugins });
  // A stored name is in its normal form, so one that is stored as it was typed needs no source to normalize it.
  const typed = await parseLoosely(text, plugins);
  const policy = options.pull ?? defaultPolicy(typed.scheme);
  if (policy !== 'always') {
    const stored = await storedFor(typed, options.platform, policy, store);
    if (stored !== undefined) return { reference: typed, stored };
  }
  const reference = await readReference(text, plugins);
  if (policy === 'always') return { reference };
  const stored = await storedFor(reference, options.platform, policy, store);
  if (stored !== undefined) return { reference, stored };
  if (policy === 'never') throw notStored(reference.text);
  return { reference };
}

/** An image that was found by its digest; what the store lacks of it comes from where its name leads. */
async function ofStored(
  image: StoredImage,
  { platform, pull = 'missing' }: FindOptions,
  { store, plugins }: { readonly store: Store; readonly plugins: LazyRegistry },
): Promise<FoundImage> {
  const reference = await parseLoosely(image.reference, plugins);
  const stored = await storedFor(reference, platform, pull, store);
  return { reference, ...(stored && { stored }) };
}

/** Reads a reference with every source asked: which one it means, and what its normal form is. */
export async function readReference(text: string, plugins: LazyRegistry): Promise<Reference> {
  const { sources } = await plugins.with('sources');
  return parseReference(text, {
    schemes: sources.map((source) => source.scheme),
    detect: (candidate) => sources.find((source) => source.detect?.(candidate) === true)?.scheme,
    normalize: (scheme, location) =>
      sources.find((source) => source.scheme === scheme)?.normalize?.(location) ?? location,
  });
}

/** Files and directories may have changed since they were read, and reading them again is cheap; the rest is kept. */
function defaultPolicy(scheme: string): PullPolicy {
  return scheme === 'docker' || scheme === 'host' ? 'missing' : 'always';
}

async function parseLoosely(text: string, plugins: LazyRegistry): Promise<Reference> {
  const strangers = plugins.registry.sources;
  const mayBeDetected = existsSync(text) || strangers.some((source) => source.detect !== undefined);
  if (mayBeDetected) return readReference(text, plugins);
  return parseReference(text, { schemes: [...builtInSchemes, ...strangers.map((source) => source.scheme)] });
}

async function storedFor(
  reference: Reference,
  asked: Platform | undefined,
  policy: PullPolicy,
  store: Store,
): Promise<StoredImage | undefined> {
  const stored = await store.images.get(reference.text);
  if (stored === undefined) return undefined;
  const anyPlatform = policy === 'never' && asked === undefined;
  if (!anyPlatform && !isFor(stored, asked ?? hostPlatform())) return undefined;
  return (await isComplete(stored, store)) ? stored : undefined;
}

function isFor(stored: StoredImage, wanted: Platform): boolean {
  // Made here, of nothing that was chosen among others: it serves whoever can run it.
  if (stored.requested === undefined && matchPlatform(wanted, stored.platform) !== undefined) return true;
  const text = formatPlatform(wanted);
  return [stored.requested, stored.platform].some(
    (platform) => platform !== undefined && formatPlatform(platform) === text,
  );
}

/** Whether the config and each layer, extracted or as a blob, are there; a store that was cleaned by hand is pulled into again. */
async function isComplete(stored: StoredImage, store: Store): Promise<boolean> {
  if (!(await store.blobs.has(stored.config.digest))) return false;
  for (const layer of stored.layers) {
    if (await store.layers.has(layer.diffId)) continue;
    if (!(await store.blobs.has(layer.descriptor.digest))) return false;
  }
  return true;
}

/** The error for a name that the store does not have. */
export function notStored(reference: string): BoxError {
  return new BoxError('ERR_BOX_IMAGE_UNKNOWN', `the store has no image ${reference}`, {
    hint: `Get it with \`box pull ${reference}\`; \`box images\` lists those there are.`,
    fields: { reference },
  });
}
