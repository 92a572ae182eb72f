import { BoxError } from '@boxkit/contracts';
import type {
  Descriptor,
  FetchedImage,
  Image,
  OutgoingImage,
  Platform,
  Reference,
  ResolvedImage,
  SourceContext,
} from '@boxkit/contracts';
import { composeStages } from '@boxkit/core';
import { documentKind, essence, isImageConfig } from '@boxkit/manifest';
import type { FoundImage } from '../find-image.ts';
import type { Scope } from '../machine.ts';
import { holders } from './holders.ts';

export interface OutgoingChoice {
  readonly platform?: Platform;
  /** All platforms of an index, and whatever else it names. */
  readonly all?: boolean;
}

/**
 * Opens an image in order to write it elsewhere. What it opens is closed with the scope. Blobs come from the store when it
 * has them, else from the source, and are not kept.
 */
export async function openOutgoing(found: FoundImage, choice: OutgoingChoice, scope: Scope): Promise<OutgoingImage> {
  const { createPassingReader, outgoingOfImage, outgoingOfTree } = await import('@boxkit/fetcher');
  const { context, store } = scope;
  const { signal } = context;
  const { reference, stored } = found;
  const source = stored === undefined ? await resolveAt(reference, choice, scope) : { descriptor: stored.root };
  const root = source.descriptor;
  const blobs = createPassingReader('open' in source ? source : undefined, store, signal);
  const heldAt = await holders(reference, store);
  const names = reference.scheme === 'docker' ? [reference.location] : [];
  const how = { names, open: blobs.openAt, heldAt, signal };
  const isIndex = documentKind(essence(root.mediaType)) === 'index';
  // What the store keeps under a name is an image.
  const whole = isIndex ? choice.all === true : stored === undefined && (await isArtifact(root, blobs));
  if (whole) return await outgoingOfTree(reference, root, blobs, how);
  const platform = choice.platform ?? stored?.requested ?? stored?.platform;
  const fetched: FetchedImage = { reference, descriptor: root, blobs, ...(platform && { platform }) };
  const { stages, plugins } = scope;
  const row = composeStages([
    ...plugins.registry.stagesAfter('fetch'),
    stages.readManifest(platform === undefined ? {} : { platform }),
    ...plugins.registry.stagesAfter('manifest'),
  ]);
  return await outgoingOfImage((await row.run(fetched as never, context)) as Image, how);
}

async function resolveAt(reference: Reference, { platform }: OutgoingChoice, scope: Scope): Promise<ResolvedImage> {
  const { sources } = await scope.plugins.with('sources');
  const source = sources.find(({ scheme }) => scheme === reference.scheme);
  if (source === undefined) {
    throw new BoxError('ERR_BOX_SOURCE_UNKNOWN', `cannot copy ${reference.text}: no source has that scheme`);
  }
  const { context } = scope;
  const asked: SourceContext = {
    signal: context.signal,
    store: context.store,
    logger: context.logger,
    emit: (event) => context.emit(event),
    defer: (cleanup) => context.defer(cleanup),
    ...(platform && { platform }),
  };
  const resolved = await source.resolve(reference, asked);
  context.defer(async () => await resolved[Symbol.asyncDispose]());
  const { descriptor } = resolved;
  if (reference.digest !== undefined && reference.digest !== descriptor.digest) {
    throw new BoxError(
      'ERR_BOX_DIGEST_MISMATCH',
      `cannot copy ${reference.text}: the source gave the document ${descriptor.digest}`,
      { fields: { expected: reference.digest, received: descriptor.digest } },
    );
  }
  context.emit({ type: 'image-resolved', reference: reference.text, descriptor });
  return resolved;
}

/** Whether a manifest is that of a chart, a signature or the like, which is copied as it is and never looked into. */
async function isArtifact(root: Descriptor, blobs: FetchedImage['blobs']): Promise<boolean> {
  const { parseDocument } = await import('@boxkit/manifest/documents');
  const document = parseDocument(await blobs.read(root), root.mediaType);
  if (document.kind === 'index') return false;
  return !isImageConfig(document.manifest.config.mediaType);
}
