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
import { openBlob } from './blob-stream.ts';
import type { RegistryClient } from './client.ts';
import { clientFor, transportFor, type EndpointSettings } from './endpoint-client.ts';
import { endpointsOf, optionsOf, type Endpoint } from './hosts.ts';
import { getManifest, headManifest, type ReceivedManifest } from './manifest-request.ts';

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
        return resolvedImage(order, parts, received, () => transport[Symbol.asyncDispose]());
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
    if (parts.digest !== undefined) await compareTag(client, parts.digest, parts, name);
    return received;
  });
}

/** A pinned digest wins over its tag; that the tag has moved on is worth a word. */
async function compareTag(
  client: RegistryClient,
  pinned: Digest,
  parts: RegistryReference,
  name: string,
): Promise<void> {
  const { repository, tag } = parts;
  if (tag === undefined) return;
  const digest = await quietly(client, async () => await headManifest(client, repository, tag));
  if (digest === undefined || digest === pinned) return;
  const now = digest === 'missing' ? `there is no tag ${tag} any more` : `the tag ${tag} now points to ${digest}`;
  client.emit({ type: 'warning', code: 'tag-moved', message: `${name}: ${now}; using the digest that was asked for` });
}

/** For questions whose answer is welcome and not needed: what fails is asked again, with patience, by another request. */
async function quietly<T>(client: RegistryClient, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (client.signal.aborted || !(error instanceof BoxError)) throw error;
    return undefined;
  }
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

/** Says that a mirror was of no use; rethrows what is no fault of the mirror's. */
function mirrorFailed(client: RegistryClient, error: unknown, signal: AbortSignal): void {
  if (signal.aborted || !(error instanceof BoxError)) throw error;
  client.emit({
    type: 'warning',
    code: 'mirror-failed',
    message: `going past the mirror ${client.host}: ${error.message}`,
  });
}

function resolvedImage(
  clients: readonly RegistryClient[],
  parts: RegistryReference,
  root: Root,
  dispose: () => PromiseLike<void>,
): ResolvedImage {
  return {
    descriptor: root.descriptor,
    async open(descriptor, { offset = 0, signal }) {
      if (root.bytes !== undefined && descriptor.digest === root.descriptor.digest) return whole(root.bytes);
      const path = pathOf(descriptor, parts.repository);
      const scoped = clients.map((client) => client.scoped(signal));
      return await openAnywhere(scoped, path, descriptor, offset);
    },
    async [Symbol.asyncDispose]() {
      await dispose();
    },
  };
}

/** Opens a blob at the first client that has it; when that one fails in the middle, the next goes on from there. */
async function openAnywhere(
  clients: readonly RegistryClient[],
  path: string,
  descriptor: Descriptor,
  offset: number,
): Promise<SourceStream> {
  const [client, ...others] = clients;
  if (client === undefined)
    throw new BoxError('ERR_BOX_INTERNAL', `cannot fetch ${descriptor.digest} without any endpoint`);
  if (others.length === 0) return await openBlob(client, path, descriptor, offset);
  let stream: SourceStream;
  try {
    stream = await openBlob(client, path, descriptor, offset);
  } catch (error) {
    mirrorFailed(client, error, client.signal);
    return await openAnywhere(others, path, descriptor, offset);
  }
  return { startedAt: offset, [Symbol.asyncIterator]: goOn };

  async function* goOn(): AsyncGenerator<Uint8Array> {
    let position = offset;
    try {
      for await (const chunk of stream) {
        position += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (client === undefined) throw error;
      mirrorFailed(client, error, client.signal);
      yield* await openAnywhere(others, path, descriptor, position);
    }
  }
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
