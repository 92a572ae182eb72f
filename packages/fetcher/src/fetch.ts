import {
  BoxError,
  type FetchedImage,
  type ImageSource,
  type Platform,
  type Reference,
  type Stage,
  type StageContext,
  type StoredImage,
} from '@boxkit/contracts';
import { formatPlatform, matchPlatform, normalizePlatform, parseReference } from '@boxkit/manifest';
import { createBlobReader } from './blobs/blob-reader.ts';

export interface FetchOptions {
  /** Asked in order for references without a scheme. */
  readonly sources: readonly ImageSource[];
  /** Handed on to the source and to the stages after; this machine's when absent. */
  readonly platform?: Platform;
  /** Downloads at a time; default 6. */
  readonly concurrency?: number;
  /**
   * When to ask a registry: `always` (the default; what is stored is not fetched again), `missing` (only when the store
   * has no such image), `never`. Sources on this machine are always read, unless it is `never`.
   */
  readonly policy?: 'always' | 'missing' | 'never';
}

/**
 * The stage `fetch`: finds the root document of a reference and hands on a reader for all below it. Throws
 * ERR_BOX_REFERENCE_INVALID, ERR_BOX_SOURCE_UNKNOWN, ERR_BOX_IMAGE_UNKNOWN (policy `never`) and what the source throws.
 */
export function fetch(options: FetchOptions): Stage<string | Reference, FetchedImage> {
  return {
    name: 'fetch',
    async run(input, context) {
      const reference = typeof input === 'string' ? resolveReference(input, options.sources) : input;
      const stored = await storedImage(reference, options, context);
      if (stored !== undefined) return fromStore(reference, stored, options, context);
      return await fromSource(reference, options, context);
    },
  };
}

/** Parses a reference with what the sources know: their schemes, what they detect, and how they normalize. */
export function resolveReference(text: string, sources: readonly ImageSource[]): Reference {
  return parseReference(text, {
    schemes: sources.map((source) => source.scheme),
    detect: (location) => sources.find((source) => source.detect?.(location) === true)?.scheme,
    normalize: (scheme, location) => sourceOf(scheme, sources).normalize?.(location) ?? location,
  });
}

async function fromSource(reference: Reference, options: FetchOptions, context: StageContext): Promise<FetchedImage> {
  const { platform } = options;
  const source = sourceOf(reference.scheme, options.sources);
  const resolved = await source.resolve(reference, { ...bound(context), ...(platform && { platform }) });
  context.defer(async () => await resolved[Symbol.asyncDispose]());
  const { descriptor } = resolved;
  if (reference.digest !== undefined && descriptor.digest !== reference.digest)
    throw notPinned(reference, descriptor.digest);
  context.emit({ type: 'image-resolved', reference: reference.text, descriptor });
  const blobs = createBlobReader(resolved, context.store, readerOptions(options, context));
  context.defer(async () => await blobs[Symbol.asyncDispose]());
  return { reference, descriptor, blobs, ...(platform && { platform }) };
}

function fromStore(
  reference: Reference,
  stored: StoredImage,
  options: FetchOptions,
  context: StageContext,
): FetchedImage {
  const { platform } = options;
  context.emit({ type: 'image-resolved', reference: reference.text, descriptor: stored.root });
  const blobs = createBlobReader(undefined, context.store, readerOptions(options, context));
  context.defer(async () => await blobs[Symbol.asyncDispose]());
  return { reference, descriptor: stored.root, blobs, ...(platform && { platform }) };
}

/** What the store keeps under this reference, when the policy lets it serve and all of it is there. */
async function storedImage(
  reference: Reference,
  options: FetchOptions,
  context: StageContext,
): Promise<StoredImage | undefined> {
  const { policy = 'always', platform } = options;
  if (policy === 'always' || (policy === 'missing' && reference.scheme !== 'docker')) return undefined;
  const stored = await context.store.images.get(reference.text);
  const pinned = reference.digest === undefined || stored?.root.digest === reference.digest;
  if (stored !== undefined && pinned && serves(stored, platform) && (await isComplete(stored, context))) return stored;
  if (policy === 'missing') return undefined;
  throw new BoxError(
    'ERR_BOX_IMAGE_UNKNOWN',
    `cannot use ${reference.text}: the store does not have it, and fetching was forbidden`,
    {
      hint: `Run box pull ${reference.text} first.`,
      fields: { reference: reference.text },
    },
  );
}

function serves(stored: StoredImage, platform: Platform | undefined): boolean {
  if (platform === undefined) return true;
  const same = (other: Platform): boolean =>
    formatPlatform(normalizePlatform(other)) === formatPlatform(normalizePlatform(platform));
  return (stored.requested !== undefined && same(stored.requested)) || matchPlatform(platform, stored.platform) === 0;
}

async function isComplete(stored: StoredImage, context: StageContext): Promise<boolean> {
  for (const digest of stored.blobs) {
    if (!(await context.store.blobs.has(digest))) return false;
  }
  return true;
}

function sourceOf(scheme: string, sources: readonly ImageSource[]): ImageSource {
  const source = sources.find((candidate) => candidate.scheme === scheme);
  if (source !== undefined) return source;
  const known = sources.map((candidate) => candidate.scheme);
  throw new BoxError(
    'ERR_BOX_SOURCE_UNKNOWN',
    `cannot fetch from ${JSON.stringify(`${scheme}:`)}: no source has that scheme`,
    {
      hint: known.length === 0 ? 'No source is registered at all.' : `Known schemes: ${known.join(', ')}.`,
      fields: { scheme, schemes: known },
    },
  );
}

// A context may be an object with methods on its prototype, which a spread would lose.
function bound(context: StageContext): StageContext {
  const { signal, store, logger } = context;
  return { signal, store, logger, emit: (event) => context.emit(event), defer: (cleanup) => context.defer(cleanup) };
}

function readerOptions({ concurrency }: FetchOptions, context: StageContext) {
  const { signal } = context;
  const emit: StageContext['emit'] = (event) => context.emit(event);
  return { signal, emit, ...(concurrency === undefined ? {} : { concurrency }) };
}

function notPinned(reference: Reference, received: string): BoxError {
  return new BoxError(
    'ERR_BOX_DIGEST_MISMATCH',
    `cannot use ${reference.text}: the source gave the document ${received}`,
    {
      fields: { expected: reference.digest, received },
    },
  );
}
