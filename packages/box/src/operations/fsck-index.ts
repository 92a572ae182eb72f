import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { type DiffId, isBoxError, type Layer } from '@boxkit/contracts';
import { readIndex, readStagedLayer } from '@boxkit/layer-applier';

/** Entries between two looks at the signal. */
const batch = 1000;

/**
 * What is wrong with the index of a layer that is not extracted, in words: it cannot be read to its end, or is that of another
 * layer. Undefined for a sound one, and when it is gone. It is not compared with the blob.
 */
export async function indexProblem(directory: string, signal?: AbortSignal): Promise<string | undefined> {
  try {
    const diffId = `${basename(dirname(directory))}:${basename(directory)}` as DiffId;
    const { entries } = readStagedLayer({ diffId } as Layer, directory);
    let count = 0;
    for (const _ of readIndex(join(directory, 'index'))) {
      count += 1;
      if (count % batch === 0) await turn();
      signal?.throwIfAborted();
    }
    return count === entries ? undefined : `its index has ${count} entries, not ${entries}`;
  } catch (error) {
    if (isBoxError(error, 'ERR_BOX_STORE_CORRUPT')) return error.message;
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return existsSync(directory) ? 'it has no index' : undefined;
  }
}
