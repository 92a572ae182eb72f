import {
  BoxError,
  type Descriptor,
  type ImageDestination,
  type OutgoingImage,
  type RegistryReference,
} from '@boxkit/contracts';
import { formatRegistryReference, parseRegistryReference } from '@boxkit/manifest';
import { clientFor, transportFor } from '../endpoint-client.ts';
import { endpointsOf } from '../hosts.ts';
import type { RegistryClient } from '../client.ts';
import { warnOfUnverified, type RegistrySettings } from '../registry-source.ts';
import { hasManifest, putManifest } from './put-manifest.ts';
import { uploadBlob } from './upload-blob.ts';

/** Blobs sent at the same time. */
const defaultConcurrency = 6;
const defaultPartSize = 16 << 20;

/** The destination `docker://`: registries that speak the OCI distribution specification. Mirrors are never written to. */
export function registryDestination(settings: RegistrySettings): ImageDestination {
  return {
    scheme: 'docker',
    description: 'a registry, over HTTP(S): docker://host/repository:tag',
    normalize: (location) => formatRegistryReference(parseRegistryReference(location)),
    async write(images, reference, context) {
      const place = parseRegistryReference(reference.location);
      const known = typeof settings === 'function' ? await settings(context) : settings;
      await using transport = transportFor(known);
      const endpoints = endpointsOf(place.registry, known.registries).filter(({ mirror }) => !mirror);
      const [endpoint] = endpoints;
      if (endpoint === undefined) throw new BoxError('ERR_BOX_INTERNAL', `cannot push without any endpoint`);
      warnOfUnverified(endpoints, known, context);
      const client = clientFor(endpoint, place.repository, transport, known, context, 'pull,push');
      const { concurrency = defaultConcurrency } = context;
      const how = { concurrency, partSize: known.partSize ?? defaultPartSize };
      for (const image of images) await pushImage(client, place, image, how);
    },
  };
}

interface PushOptions {
  readonly concurrency: number;
  readonly partSize: number;
}

/** Blobs first, then each document after those that it names, and the tag last. */
async function pushImage(
  client: RegistryClient,
  place: RegistryReference,
  image: OutgoingImage,
  how: PushOptions,
): Promise<void> {
  const { repository, tag } = place;
  await pushBlobs(client, place, image, how);
  for (const document of image.documents) {
    const isRoot = document.descriptor.digest === image.root.digest;
    if (isRoot) await putManifest(client, repository, document, tag ?? document.descriptor.digest);
    else if (!(await hasManifest(client, repository, document)))
      await putManifest(client, repository, document, document.descriptor.digest);
  }
}

async function pushBlobs(
  client: RegistryClient,
  place: RegistryReference,
  image: OutgoingImage,
  { concurrency, partSize }: PushOptions,
): Promise<void> {
  const failed = new AbortController();
  const scoped = client.scoped(AbortSignal.any([client.signal, failed.signal]));
  const waiting = image.blobs.filter((descriptor) => !isForeign(descriptor)).values();
  const work = async (): Promise<void> => {
    for (const descriptor of waiting) {
      const mountFrom = siblings(place, image.heldAt(descriptor.digest));
      await uploadBlob({ client: scoped, repository: place.repository, image, descriptor, mountFrom, partSize });
    }
  };
  const workers = Array.from({ length: concurrency }, async () => {
    await work().catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
  });
  await Promise.allSettled(workers);
  client.signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
}

/** Layers that may not be passed on lie where their URLs say, and in no registry. OCI image-spec, layer.md. */
function isForeign({ mediaType, urls }: Descriptor): boolean {
  return /nondistributable|foreign/.test(mediaType) && urls !== undefined && urls.length > 0;
}

function siblings({ registry, repository }: RegistryReference, held: readonly string[]): readonly string[] {
  const here = held.filter((name) => name.startsWith(`${registry}/`)).map((name) => name.slice(registry.length + 1));
  return here.filter((name) => name !== repository);
}
