import { z } from 'zod';

// Published as docs/reference/schemas/*.json: what is here must be expressible there, so the rules are patterns and
// not functions.

export const digest = z
  .string()
  .regex(
    /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/,
    'is no digest (sha256: and 64 lower-case hexadecimal digits, or sha512: and 128)',
  );

export const absolutePath = z.string().regex(/^\/[^\0]*$/, 'is no absolute path');

const texts = z.array(z.string());
const textMap = z.record(z.string(), z.string());

/** OCI image-spec, image-index.md "platform". */
export const platform = z.looseObject({
  os: z.string(),
  architecture: z.string(),
  variant: z.string().optional(),
  'os.version': z.string().optional(),
  'os.features': texts.optional(),
});

/** OCI image-spec, descriptor.md. */
export const descriptor = z.looseObject({
  mediaType: z.string().min(1, 'is empty'),
  digest,
  size: z.int('is no whole number of bytes').nonnegative('is negative').describe('bytes'),
  annotations: textMap.optional(),
  platform: platform.optional(),
  urls: texts.optional(),
  artifactType: z.string().optional(),
});

export const reference = z.strictObject({
  scheme: z.string().describe('the source: docker, oci, host ...'),
  location: z.string().describe("the source's own, in its normal form"),
  text: z.string().min(1).describe('both as one: the name that the image is kept under'),
  digest: digest.optional().describe('set when the reference pins the root document'),
});

const layer = z.strictObject({
  descriptor,
  diffId: digest.describe('of the uncompressed tar'),
  chainId: digest.optional().describe('worked out anew from the diffIDs; what stands here is of no account'),
});

/** OCI image-spec, config.md; fields it does not know are kept. */
const imageConfig = z.looseObject({
  os: z.string(),
  architecture: z.string(),
  config: z
    .looseObject({
      Entrypoint: texts.nullish(),
      Cmd: texts.nullish(),
      Env: texts.nullish(),
      User: z.string().optional(),
      WorkingDir: z.string().optional(),
      StopSignal: z.string().optional(),
      Volumes: z.record(z.string(), z.looseObject({})).nullish(),
      ExposedPorts: z.record(z.string(), z.looseObject({})).nullish(),
      Labels: textMap.nullish(),
    })
    .optional(),
  rootfs: z.looseObject({ type: z.literal('layers'), diff_ids: z.array(digest) }),
  history: z
    .array(z.looseObject({ created_by: z.string().optional(), empty_layer: z.boolean().optional() }))
    .optional(),
});

export const image = z.strictObject({
  reference,
  root: descriptor.describe('what the reference resolved to'),
  manifest: descriptor.describe('the chosen manifest'),
  config: descriptor,
  platform,
  requested: platform.optional().describe('the platform that the manifest was chosen for'),
  documents: z.array(descriptor).optional().describe('every index and manifest from the root to the manifest'),
  layers: z.array(layer).describe('lowest first'),
  imageConfig,
});
