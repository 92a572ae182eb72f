import { RegistryError } from '../../http/errors.ts';
import type { RegistryClient } from '../client.ts';
import { retrying } from '../retry.ts';
import { pushError } from './push-error.ts';
import { sessionOf, type UploadSession } from './upload-session.ts';

/** Repositories of the same registry, without its host. */
export type MountFrom = readonly string[];

interface Upload {
  readonly client: RegistryClient;
  readonly repository: string;
  readonly descriptor: { readonly digest: string };
  readonly mountFrom: MountFrom;
}

/**
 * Opens an upload. With `mount` the registry is first asked to take the blob from a repository of its own that has it; what
 * it answers to that, but for success, is no failure. distribution-spec, "Mounting a blob from another repository".
 */
export async function openUpload(upload: Upload, mount: boolean, what: string): Promise<UploadSession | 'mounted'> {
  const { client, repository, descriptor, mountFrom } = upload;
  const path = `${repository}/blobs/uploads/`;
  const headers = { 'content-length': '0' };
  for (const from of mount ? mountFrom : []) {
    const answer = await askMount(client, `${path}?${mountQuery(descriptor.digest, from)}`, what);
    if (answer !== undefined) return answer;
  }
  return await retrying(what, client, async () => {
    const response = await client.send('POST', path, headers);
    if (response.status !== 202) throw await pushError(what, response);
    response.discard();
    return sessionOf(response, what);
  });
}

/** Undefined when the registry will not, or cannot now: the blob can still be sent. */
async function askMount(
  client: RegistryClient,
  path: string,
  what: string,
): Promise<UploadSession | 'mounted' | undefined> {
  try {
    const response = await client.send('POST', path, { 'content-length': '0' });
    response.discard();
    if (response.status === 201) return 'mounted';
    // Not there, or not for us: it opened an ordinary upload instead.
    return response.status === 202 ? sessionOf(response, what) : undefined;
  } catch (error) {
    // No token for the other repository, say.
    if (error instanceof RegistryError) return undefined;
    throw error;
  }
}

function mountQuery(digest: string, from: string): string {
  return new URLSearchParams({ mount: digest, from }).toString();
}
