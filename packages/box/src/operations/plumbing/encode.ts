import type { FetchedImage, Image, PlannedContainer } from '@boxkit/contracts';
import type { AppliedDocument } from './documents.ts';

/** What a stage hands on, as JSON: no live handles, bytes as base64. The forms are those of schemas.ts. */
export type JsonDocument = Readonly<Record<string, unknown>>;

export function encodeFetched({ reference, descriptor, platform }: FetchedImage): JsonDocument {
  return plain({ stage: 'fetch', reference, descriptor, platform });
}

export function encodeImage(image: Image): JsonDocument {
  return plain({ stage: 'manifest', ...withoutHandles(image) });
}

export function encodeApplied({ image, rootfs, container }: AppliedDocument): JsonDocument {
  const { containerId, name, path } = container ?? {};
  const kept = container === undefined ? {} : { container: { containerId, name, path } };
  return plain({ stage: 'apply', image: withoutHandles(image), rootfs, ...kept });
}

export function encodePlanned({ containerId, name, bundle, plan, stop }: PlannedContainer): JsonDocument {
  return plain({ stage: 'isolate', containerId, name, bundle, plan, stop });
}

function withoutHandles(image: Image): object {
  const { blobs: _blobs, ...data } = image;
  return data;
}

function plain(value: object): JsonDocument {
  return encode(value) as JsonDocument;
}

function encode(value: unknown): unknown {
  if (typeof value === 'bigint') return { integer: String(value) };
  if (value === Infinity) return 'unlimited';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(encode);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  // A system call's argument: what is a string there is a path, so bytes say what they are.
  if ('bytes' in value && value.bytes instanceof Uint8Array) return { base64: encode(value.bytes) };
  return Object.fromEntries(entries.map(([key, field]) => [key, encode(field)]));
}
