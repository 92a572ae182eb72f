import { join } from 'node:path';
import { digestParts } from '@boxkit/contracts';
import { type BlobOptions, consumeBlob } from '../extract/extract-layer.ts';

/**
 * Writes `<directory>/index` of a layer while its blob arrives, and extracts nothing: a worker thread inflates the blob and
 * reads the tar's headers. Verifies digest, size and diffID in the same pass. Throws as extractLayer does.
 */
export async function indexLayer(options: BlobOptions & { readonly directory: string }): Promise<void> {
  const { layer, directory, budgets } = options;
  await consumeBlob(options, (input, stop) => ({
    diffId: layer.diffId,
    index: join(directory, 'index'),
    algorithm: digestParts(layer.diffId).algorithm,
    compressed: layer.descriptor.size,
    input,
    budgets,
    stop,
  }));
}
