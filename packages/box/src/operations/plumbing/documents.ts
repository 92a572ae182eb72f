import type { FetchedImage, Image, Layer, PlannedContainer, Rootfs, Store } from '@boxkit/contracts';
import { BoxError, isBoxError } from '@boxkit/contracts';
import { chainIds, formatPath, parseJson } from '@boxkit/manifest';
import { storedBlobs } from '../stored-blobs.ts';
import { stageSchemas } from './schemas.ts';
import type { DocumentStage } from './schemas.ts';

/** What `apply` handed on, read again. */
export interface AppliedDocument {
  readonly image: Image;
  readonly rootfs: Rootfs;
  readonly container?: { readonly containerId: string; readonly name: string; readonly path: string };
}

export function readFetched(value: unknown, store: Store): FetchedImage {
  const { reference, descriptor, platform } = validate('fetch', value);
  const read = { reference, descriptor, ...(platform === undefined ? {} : { platform }) };
  return { ...read, blobs: storedBlobs(store) } as unknown as FetchedImage;
}

export function readImage(value: unknown, store: Store): Image {
  const { stage: _, ...image } = validate('manifest', value);
  return revive(image, store);
}

export function readApplied(value: unknown, store: Store): AppliedDocument {
  const { image, rootfs, container } = validate('apply', value);
  return { image: revive(image, store), rootfs, ...(container === undefined ? {} : { container }) };
}

export function readPlanned(value: unknown): PlannedContainer {
  const { stage: _, ...planned } = validate('isolate', value);
  return planned as unknown as PlannedContainer;
}

/**
 * An image with its blobs in reach. The chainIDs are worked out anew: they name what the store keeps of a stack, and
 * a layer that was edited away must not leave another image's name behind.
 */
function revive(image: { readonly layers: readonly unknown[] }, store: Store): Image {
  const layers = image.layers as readonly Layer[];
  const chain = chainIds(layers.map(({ diffId }) => diffId));
  return {
    ...image,
    layers: layers.map((layer, at) => ({ ...layer, chainId: chain[at] })),
    blobs: storedBlobs(store),
  } as unknown as Image;
}

function validate<Stage extends DocumentStage>(stage: Stage, input: unknown) {
  const what = `what \`box ${stage}\` writes`;
  const value = input instanceof Uint8Array ? parse(input, what) : input;
  const found = typeof value === 'object' && value !== null && 'stage' in value ? value.stage : undefined;
  if (found !== stage && typeof found === 'string' && Object.hasOwn(stageSchemas, found)) {
    throw invalid(`cannot read ${what}: it is what \`box ${found}\` writes`, {
      hint: 'The order is: box fetch REF | box manifest | box apply | box isolate | box launch.',
      fields: { path: 'stage', stage: found },
    });
  }
  if (found !== undefined && found !== stage) {
    throw invalid(`cannot read ${what}: stage: ${JSON.stringify(found).slice(0, 80)} is no stage`, {
      hint: `The stages are ${Object.keys(stageSchemas).join(', ')}, and launch after them.`,
      fields: { path: 'stage' },
    });
  }
  const result = stageSchemas[stage].safeParse(value);
  if (result.success) return result.data as NonNullable<ReturnType<(typeof stageSchemas)[Stage]['parse']>>;
  const issues = result.error.issues.map((issue) => ({ path: formatPath(issue.path), message: issue.message }));
  const [first] = issues;
  const where = first === undefined || first.path === '' ? '' : `${first.path}: `;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  throw invalid(`cannot read ${what}: ${where}${first?.message ?? 'it is wrong'}${more}`, {
    hint: `docs/reference/schemas/${stage}.json has its form.`,
    fields: { path: first?.path, issues: issues.slice(0, 20) },
  });
}

function parse(bytes: Uint8Array, what: string): unknown {
  try {
    return parseJson(bytes, what);
  } catch (error) {
    if (!isBoxError(error)) throw error;
    throw invalid(error.message, { hint: 'Give one JSON document, whole.', fields: error.fields });
  }
}

function invalid(message: string, options: { hint: string; fields: Readonly<Record<string, unknown>> }): BoxError {
  return new BoxError('ERR_BOX_DOCUMENT_INVALID', message, options);
}
