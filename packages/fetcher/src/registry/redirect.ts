import { RegistryError } from '../http/errors.ts';
import { redactUrl } from '../http/redact.ts';
import type { HttpResponse } from '../http/transport.ts';

/** Redirects that are followed for one request; browsers take 20, Go 10. */
export const redirectLimit = 10;

/** Whether an answer sends its reader elsewhere. RFC 9110, 15.4. */
export function isRedirect({ status }: Pick<HttpResponse, 'status'>): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/** Where a redirect leads, without user and password. Throws ERR_BOX_REGISTRY_PROTOCOL for anything but http and https. */
export function redirectTarget({ url: from, headers: { location } }: Pick<HttpResponse, 'url' | 'headers'>): URL {
  const url = URL.parse(location ?? '', from.href);
  if (url !== null && location !== undefined && ['http:', 'https:'].includes(url.protocol)) {
    url.username = '';
    url.password = '';
    return url;
  }
  throw new RegistryError(
    'ERR_BOX_REGISTRY_PROTOCOL',
    `cannot reach ${redactUrl(from)}: it redirects to no http or https URL`,
    { url: from },
  );
}

export function tooManyRedirects(url: URL): RegistryError {
  return new RegistryError(
    'ERR_BOX_REGISTRY_PROTOCOL',
    `cannot reach ${redactUrl(url)}: it redirects more than ${redirectLimit} times`,
    { url },
  );
}
