import type { Image } from '@boxkit/contracts';
import { composeStages } from '@boxkit/core';
import { hostPlatform } from '@boxkit/manifest';
import { findImage } from '../find-image.ts';
import type { FindOptions } from '../find-image.ts';
import type { Scope } from '../machine.ts';
import { fromStore } from '../obtain.ts';

/**
 * Reads an image that another is made of: from the store, or its documents from its source. Of an index, the image for
 * the platform asked for, else for this machine's; what is for another alone is an error, since the new image would be
 * for that one too. Throws ERR_BOX_PLATFORM_MISSING and what the stages `fetch` and `manifest` throw.
 */
export async function readBase(text: string, options: FindOptions, scope: Scope): Promise<Image> {
  const { plugins, stages, context } = scope;
  const found = await findImage(text, options, scope);
  const platform = options.platform ?? hostPlatform();
  const row = composeStages([
    found.stored === undefined ? stages.fetch({ platform }) : fromStore(found, scope),
    ...plugins.registry.stagesAfter('fetch'),
    stages.readManifest({ platform }),
    ...plugins.registry.stagesAfter('manifest'),
  ]);
  return (await row.run(found.reference as never, context)) as Image;
}
