import { BoxError, MediaType, type Descriptor, type ImageConfig } from '@boxkit/contracts';
import type { z } from 'zod';
import { formatPath, parseJson } from './json.ts';
import {
  documentKind,
  essence,
  isGeneric,
  isImageConfig,
  isLayerType,
  isSchema1,
  type DocumentKind,
} from './media-types.ts';
import { configSchema, indexSchema, manifestSchema, type ImageIndex, type ImageManifest } from './schemas.ts';

/** An index or a manifest, read and checked. `mediaType` is never generic, whatever the server called it. */
export type ImageDocument =
  | { readonly kind: 'index'; readonly mediaType: string; readonly index: ImageIndex }
  | { readonly kind: 'manifest'; readonly mediaType: string; readonly manifest: ImageManifest };

/**
 * Reads an index or a manifest. `claimed` is what its descriptor or the Content-Type says it is; that, the document's
 * own mediaType and its shape must agree (a document that reads as both is an attack, CVE-2021-41190).
 * Throws ERR_BOX_DOCUMENT_INVALID, naming the field, and ERR_BOX_DOCUMENT_UNSUPPORTED for schema 1 and for what is no image.
 */
export function parseDocument(bytes: Uint8Array, claimed: string, what = 'the manifest'): ImageDocument {
  if (isSchema1(essence(claimed))) throw schema1(what);
  const value = parseJson(bytes, what);
  const fields = asObject(value, what);
  if (fields['schemaVersion'] === 1 || 'fsLayers' in fields || 'signatures' in fields) throw schema1(what);
  const kind = shapeOf(fields, what);
  const mediaType = agree(kind, fields, essence(claimed), what);
  if (kind === 'index') return { kind, mediaType, index: validate(indexSchema, value, what) };
  return { kind, mediaType, manifest: validate(manifestSchema, value, what) };
}

/** Reads a configuration. Throws ERR_BOX_DOCUMENT_INVALID, naming the field. */
export function parseImageConfig(bytes: Uint8Array, what = 'the image configuration'): ImageConfig {
  const value = parseJson(bytes, what);
  asObject(value, what);
  return validate(configSchema, value, what) as ImageConfig;
}

/**
 * Checks that a manifest is that of an image whose layers box can extract; throws ERR_BOX_DOCUMENT_UNSUPPORTED.
 */
export function requireImage(manifest: ImageManifest, what: string): void {
  const configType = essence(manifest.config.mediaType);
  if (!isImageConfig(configType)) {
    const kind = manifest.artifactType ?? manifest.config.mediaType;
    throw unsupported(what, `it is an artifact of type ${JSON.stringify(kind)}, not a container image`, {
      hint: 'Helm charts, signatures and other artifacts hold no root file system to unpack or run.',
      fields: { artifactType: kind },
    });
  }
  for (const [index, layer] of manifest.layers.entries()) {
    if (isLayerType(essence(layer.mediaType))) continue;
    const encrypted = layer.mediaType.includes('+encrypted');
    const why = encrypted ? 'is encrypted' : `has the media type ${JSON.stringify(layer.mediaType)}, which is no layer`;
    throw unsupported(what, `layers[${index}] ${why}`, { fields: { mediaType: layer.mediaType } });
  }
}

/** Checks that each layer has its diffID; throws ERR_BOX_DOCUMENT_INVALID. */
export function requireMatchingLayers(layers: readonly Descriptor[], config: ImageConfig, what: string): void {
  const expected = config.rootfs.diff_ids.length;
  if (layers.length === expected) return;
  throw new BoxError(
    'ERR_BOX_DOCUMENT_INVALID',
    `cannot use ${what}: the manifest has ${layers.length} layers, but its configuration has rootfs.diff_ids for ${expected}`,
    {
      hint: 'The image was built wrongly or changed since; build and push it again.',
      fields: { layers: layers.length, diffIds: expected },
    },
  );
}

/** Checks a value against a schema; the first wrong field is reported by its path, the rest are counted. */
export function validate<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [first] = result.error.issues;
  const path = formatPath(first?.path ?? []);
  const more = result.error.issues.length > 1 ? ` (and ${result.error.issues.length - 1} more)` : '';
  throw new BoxError(
    'ERR_BOX_DOCUMENT_INVALID',
    `cannot read ${what}: ${path}: ${first?.message ?? 'is wrong'}${more}`,
    {
      fields: {
        path,
        issues: result.error.issues.slice(0, 20).map((issue) => `${formatPath(issue.path)}: ${issue.message}`),
      },
    },
  );
}

function asObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new BoxError('ERR_BOX_DOCUMENT_INVALID', `cannot read ${what}: it is JSON, but no object`);
}

function shapeOf(fields: Readonly<Record<string, unknown>>, what: string): DocumentKind {
  const index = 'manifests' in fields;
  const manifest = 'layers' in fields || 'config' in fields;
  if (index && manifest) {
    throw new BoxError(
      'ERR_BOX_DOCUMENT_INVALID',
      `cannot read ${what}: it has the fields of an index and of a manifest`,
    );
  }
  if (index) return 'index';
  if (manifest) return 'manifest';
  const own = typeof fields['mediaType'] === 'string' ? fields['mediaType'] : undefined;
  if (own !== undefined && documentKind(own) === undefined) {
    throw unsupported(what, `it is a document of type ${JSON.stringify(own)}, not a container image`);
  }
  throw new BoxError(
    'ERR_BOX_DOCUMENT_INVALID',
    `cannot read ${what}: it has neither manifests (an index) nor config and layers (a manifest)`,
  );
}

function agree(kind: DocumentKind, fields: Readonly<Record<string, unknown>>, claimed: string, what: string): string {
  const own = typeof fields['mediaType'] === 'string' && fields['mediaType'] !== '' ? fields['mediaType'] : undefined;
  for (const [type, origin] of [
    [own, 'its mediaType'],
    [isGeneric(claimed) ? undefined : claimed, 'what it was announced as'],
  ] as const) {
    if (type === undefined) continue;
    const named = documentKind(type);
    if (named === undefined) throw unsupported(what, `${origin} is ${JSON.stringify(type)}, not a container image`);
    if (named !== kind) {
      throw new BoxError(
        'ERR_BOX_DOCUMENT_INVALID',
        `cannot read ${what}: ${origin} is ${type}, but it has the shape of ${kind === 'index' ? 'an' : 'a'} ${kind}`,
      );
    }
  }
  if (own !== undefined && !isGeneric(claimed) && own !== claimed) {
    throw new BoxError(
      'ERR_BOX_DOCUMENT_INVALID',
      `cannot read ${what}: its mediaType is ${own}, but it was announced as ${claimed}`,
    );
  }
  if (own !== undefined) return own;
  if (!isGeneric(claimed)) return claimed;
  return kind === 'index' ? MediaType.ociIndex : MediaType.ociManifest;
}

function schema1(what: string): BoxError {
  return unsupported(what, "it has Docker's image manifest version 2, schema 1, which was retired in 2017", {
    hint: 'Push the image again with a current tool, or convert it: skopeo copy --format oci SOURCE DESTINATION.',
  });
}

function unsupported(
  what: string,
  why: string,
  options: { hint?: string; fields?: Record<string, unknown> } = {},
): BoxError {
  return new BoxError('ERR_BOX_DOCUMENT_UNSUPPORTED', `cannot use ${what}: ${why}`, options);
}
