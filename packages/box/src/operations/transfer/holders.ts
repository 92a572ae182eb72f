import type { Digest, Reference, Store } from '@boxkit/contracts';
import { parseReference, parseRegistryReference } from '@boxkit/manifest';
import { readProvenance } from './provenance.ts';

/** Repositories that a blob is asked of: more tries would cost more than they save. */
const most = 4;

/**
 * Tells which repositories have a blob: the one that an image is copied from, those that were pushed to, and those of images
 * in the store.
 */
export async function holders(source: Reference, store: Store): Promise<(digest: Digest) => readonly string[]> {
  const known = new Map<Digest, Set<string>>();
  for (const [digest, repositories] of await readProvenance(store)) known.set(digest, new Set(repositories));
  for (const image of await store.images.list()) {
    const repository = repositoryOf(image.reference);
    if (repository === undefined) continue;
    for (const digest of image.blobs) known.set(digest, (known.get(digest) ?? new Set()).add(repository));
  }
  const own = source.scheme === 'docker' ? repositoryOf(source.text) : undefined;
  return (digest) => [...new Set([...(own === undefined ? [] : [own]), ...(known.get(digest) ?? [])])].slice(0, most);
}

/** `host/path` of a registry's image; undefined for all others. */
export function repositoryOf(text: string): string | undefined {
  try {
    const { scheme, location } = parseReference(text);
    if (scheme !== 'docker') return undefined;
    const { registry, repository } = parseRegistryReference(location);
    return `${registry}/${repository}`;
  } catch {
    // A name that some plugin understands, and no registry's.
    return undefined;
  }
}
