import { BoxError, type Digest, type RegistryReference } from '@boxkit/contracts';
import type { RegistryClient } from './client.ts';
import { getManifest, headManifest } from './manifest-request.ts';

/**
 * `name:tag@digest` says two things, and both must hold: the tag points to what the digest names, or to an index which
 * has it among its images. Throws ERR_BOX_DIGEST_MISMATCH, and for a tag that is gone what getManifest throws.
 */
export async function verifyTag(
  client: RegistryClient,
  pinned: Digest,
  { repository, tag = 'latest' }: RegistryReference,
  name: string,
): Promise<void> {
  if ((await quietly(client, async () => await headManifest(client, repository, tag))) === pinned) return;
  const { descriptor, bytes } = await getManifest(client, repository, tag, `${name}, by its tag ${tag}`);
  if (descriptor.digest === pinned || listed(bytes).includes(pinned)) return;
  throw new BoxError(
    'ERR_BOX_DIGEST_MISMATCH',
    `cannot use ${name}: the tag ${tag} points to ${descriptor.digest}, not to ${pinned}`,
    {
      hint: `The tag has moved on, or it was never this. Leave the tag out to take what the digest names: ${name.replace(`:${tag}@`, '@')}.`,
      fields: { expected: pinned, received: descriptor.digest },
    },
  );
}

/** The digests that an index names; none for anything else. */
function listed(bytes: Uint8Array): unknown[] {
  try {
    const index = JSON.parse(new TextDecoder().decode(bytes)) as { manifests?: readonly { digest?: unknown }[] } | null;
    return Array.isArray(index?.manifests)
      ? index.manifests.map((entry: { digest?: unknown } | null) => entry?.digest)
      : [];
  } catch {
    return [];
  }
}

/** For questions whose answer is welcome and not needed: what fails is asked again, with patience, by another request. */
export async function quietly<T>(client: RegistryClient, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (client.signal.aborted || !(error instanceof BoxError)) throw error;
    return undefined;
  }
}
