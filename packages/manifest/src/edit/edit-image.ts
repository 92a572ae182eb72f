import { createHash } from 'node:crypto';
import { MediaType, parseDigest } from '@boxkit/contracts';
import type { Descriptor, DiffId, HistoryEntry, Platform } from '@boxkit/contracts';
import { parseJson } from '../json.ts';
import { changeConfig, changeMap } from './change-config.ts';
import type { ConfigChanges } from './config-changes.ts';
import { compressionOf, formatOf, type ImageFormat, layerType, toOciType } from './format.ts';
import { emptiedHistory, fittedHistory } from './history.ts';
import { isObject, type JsonObject, objectIn, without } from './json-object.ts';

/** The two documents of an image as they are stored. */
export interface ImageDocuments {
  readonly manifest: { readonly mediaType: string; readonly bytes: Uint8Array };
  readonly config: Uint8Array;
}

/** A layer to be put on top. Its media type is written as the image's family has it. */
export interface NewLayer {
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
  /** How it came about; when it was made is added. */
  readonly history?: HistoryEntry;
}

/** What to make of an image, or of nothing. */
export interface ImageEdit {
  /** How many of the base's layers stay, counted from the lowest; default all. */
  readonly keptLayers?: number;
  /** Lowest first. */
  readonly layers?: readonly NewLayer[];
  readonly changes?: ConfigChanges;
  /** A step that made no layer. */
  readonly step?: HistoryEntry;
  /** What the new documents say of when they were made; see `creationTime`. */
  readonly created: Date;
}

/** A document, and what names it. */
export interface NewDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/**
 * Makes a new manifest and configuration out of an image's: in the same family of media types, with all that box does not
 * know as it was. Docker's family becomes OCI's where it has no word for what is asked: annotations, zstd.
 * OCI image-spec, manifest.md and config.md.
 */
export function editImage(
  base: ImageDocuments,
  edit: ImageEdit,
): { readonly manifest: NewDocument; readonly config: NewDocument } {
  const manifest = asObject(parseJson(base.manifest.bytes, 'the manifest'));
  const config = asObject(parseJson(base.config, 'the image configuration'));
  const format = formatFor(base.manifest.mediaType, edit);
  const written = describe(editConfig(config, edit), configType(manifest, format));
  const manifestType = format === 'oci' ? toOciType(base.manifest.mediaType) : base.manifest.mediaType;
  const edited = editManifest(manifest, edit, { format, manifestType, config: written.descriptor });
  return { manifest: describe(edited, manifestType), config: written };
}

/** The documents of an image without layers, to start from. */
export function emptyImage(platform: Platform, format: ImageFormat = 'oci'): ImageDocuments {
  const docker = format === 'docker';
  const config = describe(
    { ...platform, config: {}, rootfs: { type: 'layers', diff_ids: [] }, history: [] },
    docker ? MediaType.dockerConfig : MediaType.ociConfig,
  );
  const mediaType = docker ? MediaType.dockerManifest : MediaType.ociManifest;
  const manifest = { schemaVersion: 2, mediaType, config: config.descriptor, layers: [] };
  return { manifest: { mediaType, bytes: encode(manifest) }, config: config.bytes };
}

function formatFor(manifestType: string, { layers = [], changes }: ImageEdit): ImageFormat {
  const zstd = layers.some(({ descriptor }) => compressionOf(descriptor.mediaType) === 'zstd');
  const annotations = Object.values(changes?.annotations ?? {}).some((value) => value !== null);
  return zstd || annotations ? 'oci' : formatOf(manifestType);
}

function editConfig(document: JsonObject, { keptLayers, layers = [], changes, step, created }: ImageEdit): JsonObject {
  const rootfs = objectIn(document, 'rootfs');
  const diffIds = Array.isArray(rootfs['diff_ids']) ? (rootfs['diff_ids'] as readonly DiffId[]) : [];
  const kept = keptLayers ?? diffIds.length;
  const time = created.toISOString();
  const timed = (entry: HistoryEntry = {}): HistoryEntry => ({ created: time, ...entry });
  const history = [
    ...emptiedHistory(fittedHistory(document, diffIds.length), kept),
    ...layers.map((layer) => without(timed(layer.history) as JsonObject, 'empty_layer')),
    ...(step === undefined ? [] : [{ ...timed(step), empty_layer: true }]),
  ];
  return {
    ...changeConfig(document, changes ?? {}),
    created: time,
    rootfs: { type: 'layers', ...rootfs, diff_ids: [...diffIds.slice(0, kept), ...layers.map(({ diffId }) => diffId)] },
    history,
  };
}

function editManifest(
  document: JsonObject,
  { keptLayers, layers = [], changes }: ImageEdit,
  { format, manifestType, config }: { format: ImageFormat; manifestType: string; config: Descriptor },
): JsonObject {
  const old = (Array.isArray(document['layers']) ? document['layers'] : []) as readonly Descriptor[];
  const kept = old.slice(0, keptLayers ?? old.length);
  const retyped = ({ mediaType, ...rest }: Descriptor): Descriptor => ({
    mediaType: format === 'oci' ? toOciType(mediaType) : mediaType,
    ...rest,
  });
  const edited: JsonObject = {
    ...document,
    ...(document['mediaType'] === undefined && format === formatOf(manifestType) ? {} : { mediaType: manifestType }),
    // Embedded bytes and places of the old configuration are none of the new one.
    config: { ...without(objectIn(document, 'config'), 'data', 'urls'), ...config },
    layers: [...kept.map(retyped), ...layers.map(({ descriptor }) => layerIn(format, descriptor))],
  };
  const clear = changes?.clear?.includes('annotations') ?? false;
  if (changes?.annotations === undefined && !clear) return edited;
  const annotations = changeMap(clear ? {} : document['annotations'], changes?.annotations ?? {});
  return Object.keys(annotations).length === 0 ? without(edited, 'annotations') : { ...edited, annotations };
}

function layerIn(format: ImageFormat, { mediaType, digest, size, annotations }: Descriptor): Descriptor {
  const plain = { mediaType: layerType(format, compressionOf(mediaType)), size, digest };
  return annotations === undefined || format === 'docker' ? plain : { ...plain, annotations };
}

function configType(manifest: JsonObject, format: ImageFormat): string {
  const own = objectIn(manifest, 'config')['mediaType'];
  const mediaType = typeof own === 'string' ? own : MediaType.ociConfig;
  return format === 'oci' ? toOciType(mediaType) : mediaType;
}

function describe(value: unknown, mediaType: string): NewDocument {
  const bytes = encode(value);
  const digest = parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
  return { bytes, descriptor: { mediaType, digest, size: bytes.length } };
}

function encode(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
