import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDigest } from '@boxkit/contracts';
import type { Digest, Store } from '@boxkit/contracts';

/** Blobs that are remembered, the latest ones; a thousand images have fewer. */
const mostBlobs = 16_384;
const mostRepositories = 3;

/** Repositories (`host/path`) that got a blob from here, the latest first. */
export type Provenance = ReadonlyMap<Digest, readonly string[]>;

/** What `rememberPushed` wrote. A file that is no such thing is as good as none: it only saves uploads. */
export async function readProvenance(store: Store): Promise<Provenance> {
  try {
    const value = JSON.parse(await readFile(fileIn(store), 'utf8')) as unknown;
    const entries = Object.entries(Object(value) as Record<string, unknown>).filter(
      (entry): entry is [Digest, string[]] => isDigest(entry[0]) && Array.isArray(entry[1]),
    );
    return new Map(entries.map(([digest, names]) => [digest, names.filter((name) => typeof name === 'string')]));
  } catch {
    return new Map();
  }
}

/**
 * Remembers that a repository has blobs now, so that another of the same registry can take them from there. Two that write
 * at once may lose one's word, which costs an upload; a store that cannot be written costs no more.
 */
export async function rememberPushed(store: Store, repository: string, digests: readonly Digest[]): Promise<void> {
  const known = new Map(await readProvenance(store));
  for (const digest of digests) {
    const others = (known.get(digest) ?? []).filter((name) => name !== repository);
    known.delete(digest);
    known.set(digest, [repository, ...others].slice(0, mostRepositories));
  }
  const text = JSON.stringify(Object.fromEntries([...known].slice(-mostBlobs)));
  const staged = join(store.home, 'tmp', `pushed-${randomUUID()}`);
  try {
    await writeFile(staged, text, { flag: 'wx', mode: 0o600 });
    await rename(staged, fileIn(store));
  } catch {
    await rm(staged, { force: true });
  }
}

function fileIn(store: Store): string {
  return join(store.home, 'pushed.json');
}
