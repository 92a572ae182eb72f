import { closeSync, existsSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { lockFile } from '@boxkit/linux';
import { diskError, unless } from './disk-error.ts';
import type { Layout } from './layout.ts';
import { isAbandoned, stagingName } from './owner.ts';
import type { TreeKind } from './tree-kind.ts';

/** What a lease keeps: `blobs/sha256:...`, `layers/sha256:...`, `indexes/sha256:...`, `rootfs/sha256:...`. */
export type LeaseKey = `${'blobs' | TreeKind}/${string}`;

/**
 * What this process relies on, in a file that `prune` reads: `leases/lease-<owner>-<random>`, a line a key. See
 * docs/decisions/store-garbage-collection.md for why nothing can be deleted between `hold` and `release`.
 */
export interface Lease {
  /**
   * Keeps what is named, whether it is there already or comes later. Resolves to an error when the store cannot be
   * written to, or is full: a reader goes on without, a writer has to throw it.
   */
  hold(keys: readonly LeaseKey[], options?: { readonly signal?: AbortSignal }): Promise<Error | undefined>;
  /** Its file, once something is held. */
  readonly path: string | undefined;
  release(): void;
}

export function createLease(layout: Layout): Lease {
  const held = new Set<LeaseKey>();
  let file: { readonly path: string; readonly fd: number } | undefined;
  let released = false;

  function record(keys: readonly LeaseKey[]): void {
    if (file === undefined) {
      const path = join(layout.leases, stagingName('lease'));
      file = { path, fd: openSync(path, 'ax', 0o600) };
    }
    writeSync(file.fd, keys.map((key) => `${key}\n`).join(''));
  }

  return {
    get path() {
      return file?.path;
    },
    async hold(keys, { signal } = {}) {
      const fresh = released ? [] : keys.filter((key) => !held.has(key));
      if (fresh.length > 0) {
        try {
          record(fresh);
        } catch (error) {
          return diskError(`write to the store ${layout.home}`, error) as Error;
        }
        // Either prune reads the line above, or we see its mark here: both write first and look second.
        if (existsSync(markOf(layout))) await outwaitPrune(layout, signal);
        for (const key of fresh) held.add(key);
      }
      return undefined;
    },
    release() {
      released = true;
      if (file === undefined) return;
      const { fd, path } = file;
      file = undefined;
      held.clear();
      closeSync(fd);
      unless('ENOENT', undefined, () => unlinkSync(path));
    },
  };
}

/** The keys of all leases but `own` whose holders live. */
export function heldKeys(layout: Layout, own: Lease): Set<string> {
  const keys = new Set<string>();
  for (const name of readdirSync(layout.leases)) {
    const path = join(layout.leases, name);
    if (path === own.path || isAbandoned(path)) continue;
    const text = unless('ENOENT', '', () => readFileSync(path, 'utf8'));
    for (const line of text.split('\n')) keys.add(line);
  }
  return keys;
}

/** There while a prune decides and takes away; the lock beside it says whether that prune still runs. */
export function markOf(layout: Layout): string {
  return join(layout.locks, 'prune.mark');
}

export function pruneLockOf(layout: Layout): string {
  return join(layout.locks, 'prune');
}

async function outwaitPrune(layout: Layout, signal: AbortSignal | undefined): Promise<void> {
  const lock = await lockFile(pruneLockOf(layout), { shared: true, ...(signal === undefined ? {} : { signal }) });
  try {
    // We share the lock, so no prune runs: a mark that is still there was left by one that was killed.
    unless('ENOENT', undefined, () => unlinkSync(markOf(layout)));
  } finally {
    lock.release();
  }
}
