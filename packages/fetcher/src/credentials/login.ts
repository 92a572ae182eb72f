import { BoxError, type BoxEvent } from '@boxkit/contracts';
import { parseRegistryReference } from '@boxkit/manifest';
import { RegistryError } from '../http/errors.ts';
import { clientFor, transportFor, type EndpointSettings } from '../registry/endpoint-client.ts';
import { endpointsOf } from '../registry/hosts.ts';
import { responseError } from '../registry/response-error.ts';
import { retrying } from '../registry/retry.ts';
import type { Credential } from './credential.ts';

export interface LoginOptions extends Omit<EndpointSettings, 'findCredential'> {
  readonly signal: AbortSignal;
  readonly emit?: (event: BoxEvent) => void;
}

/** The registry that a person names for a login: `docker.io` when empty, a bare host, or a URL of one. */
export function parseRegistryName(text: string): string {
  const host = text
    .trim()
    .replace(/^https?:\/\//, '')
    .replace(/\/(?:v[12]\/?)?$/, '');
  if (host === '' || ['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host)) return 'docker.io';
  // A host name without dot and port is one here, where in a reference it would be a namespace of Docker Hub.
  if (/^[a-zA-Z0-9-]+$/.test(host)) return host;
  const { registry, repository } = parseRegistryReference(`${host}/x`);
  if (repository === 'x') return registry;
  throw new BoxError(
    'ERR_BOX_REFERENCE_INVALID',
    `cannot log in to ${JSON.stringify(text)}: name a registry alone, without a repository`,
  );
}

/**
 * Asks a registry whether it accepts a credential, before anyone keeps it. Throws ERR_BOX_REGISTRY_UNAUTHORIZED and
 * what stands in the way of asking.
 */
export async function checkCredential(registry: string, credential: Credential, options: LoginOptions): Promise<void> {
  const settings: EndpointSettings = { ...options, findCredential: () => Promise.resolve(credential) };
  await using transport = transportFor(settings);
  const endpoint = endpointsOf(registry, options.registries).at(-1);
  if (endpoint === undefined) return;
  const refusals: string[] = [];
  const emit = (event: BoxEvent): void => {
    // A refused token request goes on as a stranger, which for a login is a failure.
    if (event.type === 'warning' && event.code === 'login-refused') refusals.push(event.message);
    else options.emit?.(event);
  };
  const client = clientFor(endpoint, '', transport, settings, { signal: options.signal, emit });
  const what = `log in to ${registry}`;
  const response = await retrying(what, client, async () => await client.send('GET', ''));
  if (response.status === 200 && refusals.length === 0) {
    response.discard();
    return;
  }
  if (response.status !== 200 && response.status !== 401) throw await responseError(what, response);
  response.discard();
  throw new RegistryError(
    'ERR_BOX_REGISTRY_UNAUTHORIZED',
    `cannot ${what}: the registry refuses this user name and password`,
    {
      url: response.url,
      status: 401,
      hint: 'Many registries want an access token in place of the password.',
    },
  );
}
