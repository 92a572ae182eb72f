import { z } from 'zod';
import { bundle, containerDirectory, launchPlan, rootfs, stop } from './container-schema.ts';
import { descriptor, image, platform, reference } from './image-schema.ts';

/** What each plumbing command writes, and the next one reads. The last stage writes nothing: its output is the container's. */
export const stageSchemas = {
  fetch: z
    .strictObject({ stage: z.literal('fetch'), reference, descriptor, platform: platform.optional() })
    .describe('What `box fetch` writes: the root document of a reference. Its blobs are in the store.'),
  manifest: image
    .extend({ stage: z.literal('manifest') })
    .describe('What `box manifest` writes: one image for one platform. Its blobs are in the store.'),
  apply: z
    .strictObject({ stage: z.literal('apply'), image, rootfs, container: containerDirectory.optional() })
    .describe('What `box apply` writes: the image, and a tree that a container may write to.'),
  isolate: z
    .strictObject({
      stage: z.literal('isolate'),
      containerId: z.string(),
      name: z.string(),
      bundle,
      plan: launchPlan,
      stop,
    })
    .describe('What `box isolate` writes: a bundle, and the plan by which its container is started.'),
} as const;

export type DocumentStage = keyof typeof stageSchemas;

/** A schema as JSON Schema (draft 2020-12) for those who write such documents with other programs. */
export function jsonSchema(stage: DocumentStage): unknown {
  return z.toJSONSchema(stageSchemas[stage], { io: 'input' });
}
