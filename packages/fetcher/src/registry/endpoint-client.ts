import type { SourceContext } from '@boxkit/contracts';
import type { FindCredential } from '../credentials/credential.ts';
import type { TlsOptions } from '../http/agents.ts';
import { environmentProxy } from '../http/proxy.ts';
import { createTransport, type Transport } from '../http/transport.ts';
import { readCertificates } from '../config/certificates.ts';
import { createAuthorizer } from './authorizer.ts';
import { createClient, type RegistryClient } from './client.ts';
import { optionsOf, type Endpoint, type HostOptions, type RegistryOptions } from './hosts.ts';
import { withDefaults, type RetryOptions } from './retry.ts';

export interface EndpointSettings {
  readonly registries: RegistryOptions;
  readonly findCredential: FindCredential;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly retry?: RetryOptions;
  /** Milliseconds without a byte after which a connection counts as dead. */
  readonly idleTimeout?: number;
  /** Bytes of a part of a blob that is pushed; shorter blobs go whole. Default 16 MiB. */
  readonly partSize?: number;
}

/** How a host is to be reached. */
export interface RegistryConnection {
  readonly tls: TlsOptions;
  /** Undefined when the environment says. */
  readonly proxy: HostOptions['proxy'];
}

/** How the host of a URL is to be reached, as the config file says, or docker's and podman's directories of certificates. */
export function connectionOf(
  { host }: URL,
  { registries, env }: Pick<EndpointSettings, 'registries' | 'env'>,
): RegistryConnection {
  const own = optionsOf(host, registries);
  return { tls: own?.tls ?? readCertificates(host, env), proxy: own?.proxy };
}

/** The connections of one pull. TLS material and proxies follow the host of each URL, redirects included. */
export function transportFor({ registries, env, idleTimeout }: EndpointSettings): Transport {
  return createTransport({
    tls: (url) => connectionOf(url, { registries, env }).tls,
    proxy: (url) => {
      const own = optionsOf(url.host, registries)?.proxy;
      return own === undefined ? environmentProxy(url, env) : own === false ? undefined : own;
    },
    ...(idleTimeout === undefined ? {} : { idleTimeout }),
  });
}

/** A client for one endpoint and repository. */
export function clientFor(
  endpoint: Endpoint,
  repository: string,
  transport: Transport,
  settings: EndpointSettings,
  context: Pick<SourceContext, 'signal' | 'emit'>,
  actions: 'pull' | 'pull,push' = 'pull',
): RegistryClient {
  const { signal } = context;
  const emit: SourceContext['emit'] = (event) => context.emit(event);
  const { name, base, guessed } = endpoint;
  const { findCredential } = settings;
  return createClient({
    transport,
    base,
    fallBackToHttp: guessed,
    retry: withDefaults(settings.retry),
    signal,
    emit,
    authorizer: (registry) =>
      createAuthorizer({ transport, registry, name, repository, actions, findCredential, signal, emit }),
  });
}

/** A client for what a descriptor's `urls` name, outside of any registry: it has no credentials and answers no challenge. */
export function foreignClient(
  url: URL,
  transport: Transport,
  settings: EndpointSettings,
  context: Pick<SourceContext, 'signal' | 'emit'>,
): RegistryClient {
  return createClient({
    transport,
    base: new URL('/', url),
    fallBackToHttp: false,
    retry: withDefaults(settings.retry),
    signal: context.signal,
    emit: (event) => context.emit(event),
    authorizer: () => ({ header: () => undefined, answer: async () => Promise.resolve(false) }),
  });
}
