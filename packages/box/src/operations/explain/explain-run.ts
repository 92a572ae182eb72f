import type { Digest, PlannedContainer, Platform, SystemCall } from '@boxkit/contracts';
import { isBoxError } from '@boxkit/contracts';
import type { PlanOptions } from '../../options.ts';
import type { ImageLook, LayerReport } from '../look/image-look.ts';
import { openLook } from '../look/open-look.ts';
import type { Machine } from '../machine.ts';
import { plan } from '../plan.ts';
import { explain } from './explain-plan.ts';

/** A file that an image is made of, and where it is kept. */
export interface ExplainedBlob {
  readonly what: 'index' | 'manifest' | 'config' | 'layer';
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  /** Absolute path in the store. */
  readonly path: string;
}

/** One layer, with some of the paths that it adds and deletes. */
export interface ExplainedLayer extends LayerReport {
  readonly examples: { readonly holds: readonly string[]; readonly deletes: readonly string[] };
}

/** What `run` would do, as data; `formatExplanation` tells it in words. */
export interface Explanation {
  readonly reference: string;
  readonly scheme: string;
  readonly platform: Platform;
  readonly blobs: readonly ExplainedBlob[];
  readonly layers: readonly ExplainedLayer[];
  /** Undefined when neither the image nor the caller says what to run. */
  readonly planned?: PlannedContainer;
  /** What is done between the host and the container's program, in order. */
  readonly calls: readonly SystemCall[];
}

export async function explainRun(text: string, options: PlanOptions, machine: Machine): Promise<Explanation> {
  await using look = await openLook(text, options, machine);
  const { image } = look;
  const planned = await plan(text, options, machine).catch((error: unknown) => {
    if (isBoxError(error, 'ERR_BOX_COMMAND_EMPTY')) return undefined;
    throw error;
  });
  const calls = planned === undefined ? [] : explain(planned);
  return {
    reference: image.reference.text,
    scheme: image.reference.scheme,
    platform: image.platform,
    blobs: blobsOf(look, machine),
    layers: explainLayers(look),
    ...(planned === undefined ? {} : { planned }),
    calls,
  };
}

function blobsOf({ image }: ImageLook, { store }: Machine): readonly ExplainedBlob[] {
  const { root, manifest, config, layers } = image;
  const parts = [
    ...(root.digest === manifest.digest ? [] : [{ what: 'index' as const, descriptor: root }]),
    { what: 'manifest' as const, descriptor: manifest },
    { what: 'config' as const, descriptor: config },
    ...layers.map(({ descriptor }) => ({ what: 'layer' as const, descriptor })),
  ];
  return parts.map(({ what, descriptor: { digest, mediaType, size } }) => {
    return { what, digest, mediaType, size, path: store.blobs.pathOf(digest) };
  });
}

const examplesEach = 5;

function explainLayers(look: ImageLook): readonly ExplainedLayer[] {
  return look.layers().map((report) => {
    const { position } = report;
    const holds: string[] = [];
    const deletes: string[] = [];
    for (const { path, type, depth, opaque } of look.walk('/', { layer: position })) {
      if (type === 'whiteout') deletes.push(path);
      else if (opaque === true) deletes.push(`${path}/*`);
      else if (type !== 'directory' && depth > 0 && holds.length < examplesEach) holds.push(path);
      if (deletes.length >= examplesEach) break;
      if (holds.length >= examplesEach && report.deletes === 0) break;
    }
    return { ...report, examples: { holds, deletes } };
  });
}
