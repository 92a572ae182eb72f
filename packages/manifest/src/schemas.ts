import { z } from 'zod';
import { isDigest, type DiffId, type Digest } from '@boxkit/contracts';

// Every object keeps the fields it does not know. Documents written by Go may say null where a field is absent.
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);
const texts = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? undefined);
const textMap = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? undefined);
const presence = z
  .record(z.string(), z.looseObject({}).nullable())
  .nullish()
  .transform((value) => value ?? undefined);

const digestRule = 'is no digest (sha256: and 64 lower-case hexadecimal digits, or sha512: and 128)';

const digest: z.ZodType<Digest> = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), digestRule);
const diffId: z.ZodType<DiffId> = z.custom<DiffId>((value) => typeof value === 'string' && isDigest(value), digestRule);

/** OCI image-spec, image-index.md "platform". */
export const platformSchema = z.looseObject({
  os: z.string(),
  architecture: z.string(),
  variant: text,
  'os.version': text,
  'os.features': texts,
});

/** OCI image-spec, descriptor.md. */
export const descriptorSchema = z.looseObject({
  mediaType: z.string().min(1, { message: 'is empty' }),
  digest,
  size: z.int({ message: 'is no whole number of bytes' }).nonnegative({ message: 'is negative' }),
  annotations: textMap,
  platform: platformSchema.nullish().transform((value) => value ?? undefined),
  urls: texts,
  artifactType: text,
});

const schemaVersion = z.literal(2);

/** OCI image-spec, image-index.md, and Docker's manifest list (version 2, schema 2). */
export const indexSchema = z.looseObject({
  schemaVersion,
  mediaType: text,
  artifactType: text,
  manifests: z.array(descriptorSchema),
  annotations: textMap,
});

/** OCI image-spec, manifest.md, and Docker's image manifest (version 2, schema 2). */
export const manifestSchema = z.looseObject({
  schemaVersion,
  mediaType: text,
  artifactType: text,
  config: descriptorSchema,
  layers: z.array(descriptorSchema),
  annotations: textMap,
});

// Docker has read a lone string as a list of one since its first releases, and images with one exist.
const command = z
  .union([z.string().transform((value) => [value]), z.array(z.string())])
  .nullish()
  .transform((value) => value ?? undefined);

const processConfigSchema = z.looseObject({
  Entrypoint: command,
  Cmd: command,
  Env: texts,
  User: text,
  WorkingDir: text,
  StopSignal: text,
  Volumes: presence,
  ExposedPorts: presence,
  Labels: textMap,
});

const historySchema = z.looseObject({
  created: text,
  created_by: text,
  author: text,
  comment: text,
  empty_layer: z
    .boolean()
    .nullish()
    .transform((value) => value ?? undefined),
});

/** OCI image-spec, config.md, and Docker's image configuration. What a builder left out of os and architecture is filled in as docker does. */
export const configSchema = z.looseObject({
  os: text.transform((value) => (value === undefined || value === '' ? 'linux' : value)),
  architecture: text.transform((value) => value ?? ''),
  variant: text,
  'os.version': text,
  created: text,
  author: text,
  config: processConfigSchema.nullish().transform((value) => value ?? undefined),
  rootfs: z.looseObject({
    type: z.literal('layers'),
    diff_ids: z
      .array(diffId)
      .nullish()
      .transform((value) => value ?? []),
  }),
  history: z
    .array(historySchema)
    .nullish()
    .transform((value) => value ?? undefined),
});

/** One image of an archive made by `docker save`. Paths are checked by who opens them. */
export const archiveManifestSchema = z.array(
  z.looseObject({
    Config: z.string().min(1),
    RepoTags: texts,
    Layers: z
      .array(z.string().min(1))
      .nullish()
      .transform((value) => value ?? []),
  }),
);

/** OCI image-spec, image-layout.md "oci-layout file". */
export const imageLayoutSchema = z.looseObject({ imageLayoutVersion: z.string() });

export type ImageIndex = z.infer<typeof indexSchema>;
export type ImageManifest = z.infer<typeof manifestSchema>;
export type ArchiveManifest = z.infer<typeof archiveManifestSchema>;
