import type { OutgoingDocument } from '@boxkit/contracts';
import { RegistryError } from '../../http/errors.ts';
import type { RegistryClient } from '../client.ts';
import { retrying } from '../retry.ts';
import { pushError } from './push-error.ts';

/** Writes a manifest or an index, whose parts are there, under its digest or a tag. distribution-spec, "Pushing Manifests". */
export async function putManifest(
  client: RegistryClient,
  repository: string,
  { descriptor, bytes }: OutgoingDocument,
  target: string,
): Promise<void> {
  const what = `push the manifest ${descriptor.digest} to ${client.host}/${repository}`;
  await retrying(what, client, async () => {
    const body = { length: bytes.length, open: () => once(bytes) };
    const headers = { 'content-type': descriptor.mediaType };
    const response = await client.send('PUT', `${repository}/manifests/${target}`, headers, body);
    if (response.status < 200 || response.status >= 300) throw await pushError(what, response);
    response.discard();
    const received = response.headers['docker-content-digest'];
    const { digest } = descriptor;
    if (typeof received !== 'string' || received === digest || !received.startsWith(digest.slice(0, 7))) return;
    throw new RegistryError('ERR_BOX_DIGEST_MISMATCH', `cannot ${what}: it took it for ${received.slice(0, 140)}`, {
      url: response.url,
      fields: { expected: digest, received },
    });
  });
}

/** Whether a repository has a document. What is no clear yes is a no: then it is written, again perhaps. */
export async function hasManifest(
  client: RegistryClient,
  repository: string,
  { descriptor }: OutgoingDocument,
): Promise<boolean> {
  const accept = { accept: descriptor.mediaType };
  return await retrying(`ask ${client.host} for the manifest ${descriptor.digest}`, client, async () => {
    const response = await client.send('HEAD', `${repository}/manifests/${descriptor.digest}`, accept);
    response.discard();
    return response.status === 200;
  });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
