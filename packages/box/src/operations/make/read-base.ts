import { isBoxError, type Image, type OutgoingImage, type Platform, type Reference } from '@boxkit/contracts';
import { composeStages } from '@boxkit/core';
import { hostPlatform } from '@boxkit/manifest';
import type { MakeOptions } from '../../options.ts';
import { findImage, type FoundImage } from '../find-image.ts';
import { platformOption, type Scope } from '../machine.ts';
import { fromStore } from '../obtain.ts';
import { ensureBlobs } from '../record-image.ts';
import { openOutgoing } from '../transfer/open-outgoing.ts';
import { storeScheme } from '../transfer/places.ts';

/** An image by its name, or one that is open already. */
export type ImageSource = string | Image;

/** An image that another is to be made of. */
export interface Base {
  readonly image: Image;
  /** Set when the new image goes elsewhere than into the store: how its blobs are read without being kept. */
  readonly outgoing?: Pick<OutgoingImage, 'open' | 'heldAt'>;
}

/**
 * Opens an image that another is made of, for where that one goes: from the store, or its documents from its source. Of
 * an index, the image for the platform asked for, else for this machine's; what is for another alone is an error, since
 * the new image would be for that one too. Throws ERR_BOX_PLATFORM_MISSING and what the stages `fetch` and `manifest` throw.
 */
export async function openBase(
  source: ImageSource,
  options: Omit<MakeOptions, 'tag'>,
  to: Reference,
  scope: Scope,
): Promise<Base> {
  if (typeof source !== 'string') {
    // Whoever opened it may have done so for another platform, and have a reader that keeps what passes.
    await ensureBlobs(source, scope.context);
    return { image: source };
  }
  return openNamed(source, options, to, scope);
}

async function openNamed(text: string, options: Omit<MakeOptions, 'tag'>, to: Reference, scope: Scope): Promise<Base> {
  const { pull } = options;
  const asked = await platformOption(options.platform);
  const found = await findImage(text, { ...asked, ...(pull && { pull }) }, scope);
  const platform = asked.platform ?? hostPlatform();
  try {
    if (to.scheme === storeScheme) return { image: await readImage(found, platform, scope) };
    const outgoing = await openOutgoing(found, { platform }, scope);
    return { image: outgoing.image ?? (await readImage(found, platform, scope)), outgoing };
  } catch (error) {
    throw await withStoredPlatform(error, found, platform, scope);
  }
}

/** What the store has for another platform only was asked of its source; when that cannot help, the platform is what is wrong. */
async function withStoredPlatform(
  error: unknown,
  { reference, stored }: FoundImage,
  platform: Platform,
  { store }: Scope,
): Promise<unknown> {
  const kept = stored === undefined ? await store.images.get(reference.text) : undefined;
  const asked = isBoxError(error) && /^ERR_BOX_(?:REGISTRY|IMAGE_NOT_FOUND)/.test(error.code);
  if (!asked || kept === undefined) return error;
  const { platformMissing } = await import('@boxkit/manifest/documents');
  return Object.assign(platformMissing(reference.text, platform, [kept.platform]), { cause: error });
}

async function readImage(found: FoundImage, platform: Platform, scope: Scope): Promise<Image> {
  const { plugins, stages, context } = scope;
  const row = composeStages([
    found.stored === undefined ? stages.fetch({ platform }) : fromStore(found, scope),
    ...plugins.registry.stagesAfter('fetch'),
    stages.readManifest({ platform }),
    ...plugins.registry.stagesAfter('manifest'),
  ]);
  return (await row.run(found.reference as never, context)) as Image;
}

/** What an image is called in messages. */
export function nameOf(source: ImageSource): string {
  return typeof source === 'string' ? source : source.reference.text;
}
