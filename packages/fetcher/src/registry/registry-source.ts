import {
  BoxError,
  type Descriptor,
  type Digest,
  type ImageSource,
  type RegistryReference,
  type ResolvedImage,
  type SourceContext,
  type SourceStream,
  type StageContext,
} from '@boxkit/contracts';
import { documentKind, essence, formatRegistryReference, parseRegistryReference } from '@boxkit/manifest';
import type { RegistryClient } from './client.ts';
import { clientFor, foreignClient, transportFor, type EndpointSettings } from './endpoint-client.ts';
import { endpointsOf, optionsOf, type Endpoint } from './hosts.ts';
import { getManifest, headManifest, type ReceivedManifest } from './manifest-request.ts';
import { mirrorFailed, openAnywhere } from './open-anywhere.ts';
import { quietly, verifyTag } from './verify-tag.ts';

/** Settings, or a function that reads them when the first image is resolved. */
export type RegistrySettings = EndpointSettings | ((context: StageContext) => Promise<EndpointSettings>);

/** The source `docker://`: registries that speak the OCI distribution specification. */
export function registrySource(settings: RegistrySettings): ImageSource {
  return {
    scheme: 'docker',
    description: 'a registry, over HTTP(S)',
    normalize: (location) => formatRegistryReference(parseRegistryReference(location)),
    async resolve(reference, context) {
      const parts = parseRegistryReference(reference.location);
      const known = typeof settings === 'function' ? await settings(context) : settings;
      const transport = transportFor(known);
      try {
        const endpoints = endpointsOf(parts.registry, known.registries);
        warnOfUnverified(endpoints, known, context);
        const clients = endpoints.map((endpoint) => clientFor(endpoint, parts.repository, transport, known, context));
        const [received, order] = await findRoot(clients, parts, reference.text, context);
        const foreign = (url: URL): RegistryClient => foreignClient(url, transport, known, context);
        return resolvedImage(order, parts, received, foreign, () => transport[Symbol.asyncDispose]());
      } catch (error) {
        await transport[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

/** Says which certificates are not checked. */
export function warnOfUnverified(
  endpoints: readonly Endpoint[],
  settings: EndpointSettings,
  context: Pick<StageContext, 'emit'>,
): void {
  for (const { base } of endpoints) {
    if (optionsOf(base.host, settings.registries)?.tls?.insecure !== true) continue;
    const message = `the certificate of ${base.host} is not checked, as the config file has it`;
    context.emit({ type: 'warning', code: 'tls-unverified', message });
  }
}

type Root = Pick<ReceivedManifest, 'descriptor'> & Partial<ReceivedManifest>;

/** The root document and the clients to ask for the rest, first the one that had it. */
async function findRoot(
  clients: readonly RegistryClient[],
  parts: RegistryReference,
  name: string,
  context: SourceContext,
): Promise<[Root, readonly RegistryClient[]]> {
  const stored = await context.store.images.get(name);
  const kept = stored !== undefined && (await context.store.blobs.has(stored.root.digest)) ? stored.root : undefined;
  // Named by its digest and here already: no registry could say anything else.
  if (parts.digest !== undefined && kept?.digest === parts.digest) return [{ descriptor: kept }, clients];
  return await firstOf(clients, context, async (client) => {
    if (parts.digest === undefined && kept !== undefined) {
      // A HEAD does not count against Docker Hub's quota.
      const { repository, tag = 'latest' } = parts;
      const digest = await quietly(client, async () => await headManifest(client, repository, tag));
      if (digest === kept.digest) return { descriptor: kept };
    }
    const received = await getManifest(client, parts.repository, parts.digest ?? parts.tag ?? 'latest', name);
    if (parts.digest !== undefined && parts.tag !== undefined) await verifyTag(client, parts.digest, parts, name);
    return received;
  });
}

/** The first answer of several clients, and the clients reordered so that it comes first; the last failure when none has one. */
async function firstOf<T>(
  clients: readonly RegistryClient[],
  context: SourceContext,
  ask: (client: RegistryClient) => Promise<T>,
): Promise<[T, readonly RegistryClient[]]> {
  for (const [index, client] of clients.entries()) {
    try {
      return [await ask(client), [client, ...clients.toSpliced(index, 1)]];
    } catch (error) {
      if (index === clients.length - 1) throw error;
      mirrorFailed(client, error, context.signal);
    }
  }
  throw new BoxError('ERR_BOX_INTERNAL', 'cannot resolve an image without any endpoint');
}

function resolvedImage(
  clients: readonly RegistryClient[],
  parts: RegistryReference,
  root: Root,
  foreign: (url: URL) => RegistryClient,
  dispose: () => PromiseLike<void>,
): ResolvedImage {
  /** How often each blob was asked for from its start: what came wrong is asked for elsewhere the next time. */
  const asked = new Map<Digest, number>();
  return {
    descriptor: root.descriptor,
    async open(descriptor, { offset = 0, signal }) {
      if (root.bytes !== undefined && descriptor.digest === root.descriptor.digest) return whole(root.bytes);
      const path = pathOf(descriptor, parts.repository);
      const times = asked.get(descriptor.digest) ?? 0;
      if (offset === 0) asked.set(descriptor.digest, times + 1);
      const first = times % clients.length;
      const order = [...clients.slice(first), ...clients.slice(0, first)].map((client) => client.scoped(signal));
      return await openAnywhere(
        { clients: order, path, descriptor, foreign: (url) => foreign(url).scoped(signal) },
        offset,
      );
    },
    async [Symbol.asyncDispose]() {
      await dispose();
    },
  };
}

function pathOf(descriptor: Descriptor, repository: string): string {
  const kind = documentKind(essence(descriptor.mediaType)) === undefined ? 'blobs' : 'manifests';
  return `${repository}/${kind}/${descriptor.digest}`;
}

function whole(bytes: Uint8Array): SourceStream {
  return {
    startedAt: 0,
    async *[Symbol.asyncIterator]() {
      yield await Promise.resolve(bytes);
    },
  };
}
