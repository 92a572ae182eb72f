import type { ErrorCode } from '@boxkit/contracts';
import { readBody } from '../http/body.ts';
import { contentOf } from '../http/content-coding.ts';
import { RegistryError } from '../http/errors.ts';
import { plainText, redactUrl } from '../http/redact.ts';
import type { HttpResponse } from '../http/transport.ts';
import { parseRetryAfter } from './retry.ts';

const bodyLimit = 64 << 10;

/** Makes an error of an answer that is no success; reads what the registry says about it. `what` completes "cannot ...". */
export async function responseError(what: string, response: HttpResponse): Promise<RegistryError> {
  const said = await saidBy(response);
  const { status } = response;
  const code = codeFor(status, said.code);
  const details = [said.code, said.message].filter((part) => part !== undefined && part !== '').join(': ');
  const retryAfter = parseRetryAfter(response.headers['retry-after']);
  const quota = quotaOf(response);
  const hint = hintFor(code, status, quota);
  return new RegistryError(
    code,
    `cannot ${what}: ${host(response)} answered ${status}${details === '' ? '' : ` (${details})`}`,
    {
      url: response.url,
      status,
      transient: [408, 425, 429, 500, 502, 503, 504].includes(status),
      ...(said.code === undefined ? {} : { registryCode: said.code }),
      ...(retryAfter === undefined ? {} : { retryAfter }),
      ...(hint === undefined ? {} : { hint }),
      ...(quota === undefined ? {} : { fields: { quota } }),
    },
  );
}

function host(response: HttpResponse): string {
  return redactUrl(new URL('/', response.url)).replace(/^https?:\/\/|\/$/g, '');
}

function codeFor(status: number, said: string | undefined): ErrorCode {
  if (status === 401) return 'ERR_BOX_REGISTRY_UNAUTHORIZED';
  if (status === 403) return said === 'UNAUTHORIZED' ? 'ERR_BOX_REGISTRY_UNAUTHORIZED' : 'ERR_BOX_REGISTRY_DENIED';
  if (status === 404) return 'ERR_BOX_IMAGE_NOT_FOUND';
  if (status === 429) return 'ERR_BOX_REGISTRY_LIMITED';
  if (status >= 200 && status < 400) return 'ERR_BOX_REGISTRY_PROTOCOL';
  return 'ERR_BOX_REGISTRY_FAILED';
}

function hintFor(code: ErrorCode, status: number, quota: string | undefined): string | undefined {
  switch (code) {
    case 'ERR_BOX_REGISTRY_UNAUTHORIZED':
      return 'Check the name; for a private image run box login first.';
    case 'ERR_BOX_REGISTRY_DENIED':
      return 'Your login lacks the right to it; log in as someone who has it.';
    case 'ERR_BOX_IMAGE_NOT_FOUND':
      return 'Check the name and the tag.';
    case 'ERR_BOX_REGISTRY_LIMITED':
      return quota === undefined
        ? 'Wait, or log in for a higher limit.'
        : `The quota is ${quota}; wait, or log in for a higher one.`;
    default:
      return status >= 500 ? 'The registry has a problem of its own; try again later.' : undefined;
  }
}

/** Docker Hub's rate limit, as `0 of 100 left`. */
export function quotaOf(response: Pick<HttpResponse, 'headers'>): string | undefined {
  const [limit, remaining] = ['ratelimit-limit', 'ratelimit-remaining'].map((name) => {
    const value = response.headers[name];
    return typeof value === 'string' ? /^\d+/.exec(value)?.[0] : undefined;
  });
  return remaining === undefined ? undefined : `${remaining} of ${limit ?? '?'} left`;
}

async function saidBy(response: HttpResponse): Promise<{ code?: string; message?: string }> {
  try {
    const bytes = await readBody(contentOf(response), bodyLimit, 15_000);
    if (bytes === undefined) return {};
    const body = JSON.parse(new TextDecoder().decode(bytes)) as unknown;
    if (typeof body !== 'object' || body === null) return {};
    const listed = 'errors' in body && Array.isArray(body.errors) ? (body.errors[0] as unknown) : body;
    if (typeof listed !== 'object' || listed === null) return {};
    const { code, message, details } = listed as Record<string, unknown>;
    const text = [message, details].find((candidate) => typeof candidate === 'string');
    return {
      ...(typeof code === 'string' && /^[A-Z_]{1,60}$/.test(code) ? { code } : {}),
      ...(typeof text === 'string' ? { message: plainText(text) } : {}),
    };
  } catch {
    // No JSON, or cut off: the status says enough.
    return {};
  }
}
