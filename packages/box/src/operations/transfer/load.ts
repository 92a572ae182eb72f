import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BoxError, isBoxError } from '@boxkit/contracts';
import type { Descriptor, FetchedImage, Reference, StageContext } from '@boxkit/contracts';
import type { ArchivedEntry } from '@boxkit/fetcher';
import type { PullOptions } from '../../options.ts';
import { openScope, platformOption } from '../machine.ts';
import type { Machine, Scope } from '../machine.ts';
import { keepFetched } from './keep-in-store.ts';
import { storeReference } from './places.ts';

export interface LoadOptions extends PullOptions {
  /** The name of the image, for an archive of one image that has none, or another than it has. */
  readonly tag?: string;
}

/** One image of an archive that is in the store now. */
export interface LoadedImage {
  /** In their normal forms; what `run` takes. */
  readonly names: readonly string[];
  readonly descriptor: Descriptor;
}

/**
 * Brings every image of an archive into the store, under all its names: docker's archives and image layouts, files
 * (compressed by gzip or zstd, or not), directories, or the bytes of a file. Throws ERR_BOX_ARCHIVE_INVALID,
 * ERR_BOX_IMAGE_NOT_FOUND for no such file, ERR_BOX_USAGE for an image without a name; no name is moved then.
 */
export async function load(
  from: string | AsyncIterable<Uint8Array>,
  options: LoadOptions,
  machine: Machine,
): Promise<readonly LoadedImage[]> {
  await using scope = openScope(machine, options);
  const { openArchivedImages } = await import('@boxkit/fetcher');
  const { context } = scope;
  const shown = typeof from === 'string' ? resolve(from) : 'the input';
  const path = typeof from === 'string' ? shown : await spool(from, context);
  await using archive = await openArchivedImages(path, context, shown);
  const entries = archive.entries.map((entry) => ({ entry, names: namesOf(entry, archive.entries, options, shown) }));
  const choice = await platformOption(options.platform);
  // All blobs before any name: an archive that is damaged in its last image moves none.
  const kept: (() => Promise<LoadedImage>)[] = [];
  for (const { entry, names } of entries) {
    const fetched = await fetchedFrom(entry, { location: shown, text: names[0]?.text ?? shown }, options, scope);
    kept.push(await keepFetched(fetched, names, choice, scope));
  }
  const loaded: LoadedImage[] = [];
  for (const name of kept) loaded.push(await name());
  return loaded;
}

/** A pipe cannot be read twice, and what says which bytes are which stands at its end. */
async function spool(input: AsyncIterable<Uint8Array>, context: StageContext): Promise<string> {
  const staging = await context.store.stage('load');
  context.defer(async () => await staging[Symbol.asyncDispose]());
  const path = join(staging.path, 'archive');
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of input) {
      context.signal.throwIfAborted();
      await file.writeFile(chunk);
    }
  } catch (error) {
    throw isFull(error) ? full(error) : error;
  } finally {
    await file.close();
  }
  return path;
}

async function fetchedFrom(
  entry: ArchivedEntry,
  named: Pick<Reference, 'location' | 'text'>,
  { concurrency }: LoadOptions,
  { context, config }: Scope,
): Promise<FetchedImage> {
  const { createBlobReader } = await import('@boxkit/fetcher');
  const resolved = await entry.resolve();
  context.defer(async () => await resolved[Symbol.asyncDispose]());
  const reference = { scheme: 'docker-archive', ...named } as Reference;
  const atOnce = concurrency ?? config.concurrency;
  const blobs = createBlobReader(resolved, context.store, {
    signal: context.signal,
    emit: (event) => context.emit(event),
    ...(atOnce === undefined ? {} : { concurrency: atOnce }),
  });
  context.defer(async () => await blobs[Symbol.asyncDispose]());
  context.emit({ type: 'image-resolved', reference: named.text, descriptor: resolved.descriptor });
  return { reference, descriptor: resolved.descriptor, blobs };
}

function namesOf(
  { names }: ArchivedEntry,
  all: readonly ArchivedEntry[],
  { tag }: LoadOptions,
  shown: string,
): readonly Reference[] {
  if (tag !== undefined && all.length > 1) {
    throw new BoxError('ERR_BOX_USAGE', `cannot call ${all.length} images of ${shown} by one name`, {
      hint: 'Leave --tag out: they have names. `box tag` gives others.',
    });
  }
  const given = tag === undefined ? names : [tag];
  if (given.length > 0) return given.map((name) => readName(name, shown));
  throw new BoxError('ERR_BOX_USAGE', `cannot keep the image of ${shown}: it has no name there`, {
    hint:
      all.length === 1
        ? 'Give it one with --tag NAME.'
        : 'Load its images one by one: box copy docker-archive:FILE:@N NAME.',
    fields: { archive: shown },
  });
}

function readName(name: string, shown: string): Reference {
  try {
    return storeReference(name);
  } catch (cause) {
    if (!isBoxError(cause)) throw cause;
    throw new BoxError('ERR_BOX_REFERENCE_INVALID', `cannot keep the image of ${shown}: ${cause.message}`, {
      cause,
      hint: 'Give it another name with --tag NAME.',
    });
  }
}

function isFull(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

function full(cause: NodeJS.ErrnoException): BoxError {
  return new BoxError('ERR_BOX_STORE_FULL', 'cannot load the input: the disk of the store is full', {
    cause,
    fields: { errno: cause.code },
  });
}
