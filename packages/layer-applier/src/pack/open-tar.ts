import { detectCompression, readMagic, type Compression } from '../decode/compression.ts';
import { decompress } from '../decode/decompress.ts';
import { defaultBudgets } from '../extract/budgets.ts';
import { exceeded, invalid } from '../extract/layer-error.ts';
import { layerProblem } from './verify-tar.ts';

/** A layer as somebody hands it over, plain or compressed. */
export interface OpenedTar {
  /** By its first bytes. */
  readonly compression: Compression;
  /** The uncompressed bytes; throws for damage. Closes the source when it is left. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Below this many bytes a ratio says nothing: zeros compress beyond any. */
const freeBytes = 64 * 2 ** 20;

/**
 * Finds out how a layer is compressed and opens it. `what` names it in messages. Throws ERR_BOX_LAYER_INVALID for one
 * that is empty, ERR_BOX_LAYER_UNSUPPORTED for compressions that no image has; while it is read,
 * ERR_BOX_BUDGET_EXCEEDED for more than `ratio` bytes from each compressed one.
 */
export async function openTar(
  source: AsyncIterable<Uint8Array>,
  { what, ratio = defaultBudgets.ratio }: { readonly what: string; readonly ratio?: number },
): Promise<OpenedTar> {
  let received = 0;
  const counted = count(source, (bytes) => (received += bytes));
  try {
    const start = await readMagic(counted);
    if (start.length === 0) throw invalid('it is empty');
    const compression = detectCompression(start);
    const most = (): number => Math.max(freeBytes, received * ratio);
    return { compression, chunks: inflated(compression, start, counted, { what, ratio, most }) };
  } catch (error) {
    await counted.return(undefined);
    throw layerProblem(error, what);
  }
}

async function* count(
  source: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    onBytes(chunk.length);
    if (chunk.length > 0) yield chunk;
  }
}

async function* inflated(
  compression: Compression,
  start: Uint8Array,
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
  { what, ratio, most }: { readonly what: string; readonly ratio: number; readonly most: () => number },
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  try {
    for await (const chunk of decompress(compression, start, chunks)) {
      bytes += chunk.length;
      if (compression !== 'none' && bytes > most()) {
        throw exceeded('ratio', ratio, 'uncompressed bytes for each compressed one');
      }
      yield chunk;
    }
  } catch (error) {
    throw layerProblem(error, what);
  } finally {
    await chunks.return(undefined);
  }
}
