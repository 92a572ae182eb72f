import type { TlsOptions } from '../http/agents.ts';
import { isLoopback } from '../http/proxy.ts';

/** What the config file says of one registry. Everything may be left out. */
export interface HostOptions {
  /** Asked in order before the registry itself: `mirror.example:5000`, or a URL with a path. */
  readonly mirrors?: readonly string[];
  /** Speak plain HTTP. */
  readonly http?: boolean;
  /** TLS material, read from the files that the config names. */
  readonly tls?: TlsOptions;
  /** A proxy for this registry; false for none whatever the environment says. */
  readonly proxy?: URL | false;
}

/** Options by registry, as references name it: `docker.io`, `localhost:5000`. Mirrors may have entries of their own. */
export type RegistryOptions = Readonly<Record<string, HostOptions>>;

/** One place that may have an image. */
export interface Endpoint {
  /** What credentials and options are kept under. */
  readonly name: string;
  /** Ends in `/v2/`. */
  readonly base: URL;
  /** Whether the scheme was chosen by us and not by the person. */
  readonly guessed: boolean;
  readonly mirror: boolean;
}

/** The places to ask for a registry's images: its mirrors in order, then itself. */
export function endpointsOf(registry: string, options: RegistryOptions): Endpoint[] {
  const own = optionsOf(registry, options);
  const mirrors = (own?.mirrors ?? []).map((mirror) => mirrorEndpoint(mirror, options));
  return [...mirrors, registryEndpoint(registry, own)];
}

/** Where a registry itself is, no mirror of it: for those who tell others where to go. */
export function registryBase(
  registry: string,
  options: RegistryOptions,
): {
  /** Ends in `/v2/`. */
  readonly url: URL;
  /** Plain HTTP is to be tried when this machine does not speak https there. */
  readonly mayBePlain: boolean;
} {
  const { base, guessed } = registryEndpoint(registry, optionsOf(registry, options));
  return { url: base, mayBePlain: guessed && isLoopback(base.hostname) };
}

/** The options of a registry, or of the host and port of a URL. */
export function optionsOf(name: string, options: RegistryOptions): HostOptions | undefined {
  if (name === dockerHubHost && !Object.hasOwn(options, name)) return optionsOf('docker.io', options);
  return Object.hasOwn(options, name) ? options[name] : undefined;
}

const dockerHubHost = 'registry-1.docker.io';

function registryEndpoint(registry: string, options: HostOptions | undefined): Endpoint {
  const host = registry === 'docker.io' ? dockerHubHost : registry;
  const http = options?.http;
  return {
    name: registry,
    base: new URL(`${http === true ? 'http' : 'https'}://${host}/v2/`),
    guessed: http === undefined,
    mirror: false,
  };
}

function mirrorEndpoint(mirror: string, options: RegistryOptions): Endpoint {
  const guessed = !mirror.includes('://');
  const url = new URL(guessed ? `https://${mirror}` : mirror);
  const http = optionsOf(url.host, options)?.http;
  if (guessed && http === true) url.protocol = 'http:';
  const path = url.pathname.replace(/\/+$/, '');
  const base = new URL(`${path.endsWith('/v2') ? path : `${path}/v2`}/`, url);
  return { name: url.host, base, guessed: guessed && http === undefined, mirror: true };
}
