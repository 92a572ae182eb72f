import type { IdMap } from '@boxkit/contracts';
import { BoxError } from '@boxkit/contracts';
import { spawnInIdMap } from '@boxkit/linux';

export interface CloneOptions {
  readonly from: string;
  /** Must not exist. */
  readonly to: string;
  readonly idMap: IdMap;
  readonly signal: AbortSignal;
}

/**
 * Gives a container a tree of its own: data shared with the first tree where the file system can (FICLONE), copied where it
 * cannot; links, holes, owners, times and xattrs kept. Done by cp(1), inside the user namespace when there is one,
 * since an ordinary user may not read every file of an image. Never hardlinks: a container writes in place.
 */
export async function cloneTree({ from, to, idMap, signal }: CloneOptions): Promise<void> {
  const child = spawnInIdMap(idMap, ['cp', '-a', '--reflink=auto', '-T', '--', from, to], {
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-1000)));
  // An abort is told by the signal below, once the process is gone; a program that is missing is a failure like others.
  child.on('error', (error) => (said ||= error.message));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  signal.throwIfAborted();
  if (status === 0) return;
  throw new BoxError(
    said.includes('No space left') ? 'ERR_BOX_STORE_FULL' : 'ERR_BOX_EXTRACT_FAILED',
    `cannot copy the rootfs ${from} for a container: ${said.trim()}`,
    {
      hint: 'Free some space (`box prune`), or use the overlay driver, which copies nothing.',
      fields: { from, to, status },
    },
  );
}
