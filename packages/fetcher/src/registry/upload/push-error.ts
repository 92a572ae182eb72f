import type { HttpResponse } from '../../http/transport.ts';
import { RegistryError } from '../../http/errors.ts';
import { responseError } from '../response-error.ts';

/** Makes an error of an answer to what was to be written; `what` completes "cannot ...". */
export async function pushError(what: string, response: HttpResponse): Promise<RegistryError> {
  const said = await responseError(what, response);
  const hint = hintFor(said);
  if (hint === undefined) return said;
  const { message, status, registryCode, retryAfter, transient, fields } = said;
  const { quota } = fields;
  return new RegistryError(codeFor(said), message, {
    url: response.url,
    hint,
    transient,
    ...(status === undefined ? {} : { status }),
    ...(registryCode === undefined ? {} : { registryCode }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(quota === undefined ? {} : { fields: { quota } }),
  });
}

/** Nothing was looked for: what is missing is a place to write to. */
function codeFor({ code, status }: RegistryError): RegistryError['code'] {
  return status === 404 ? 'ERR_BOX_REGISTRY_FAILED' : code;
}

const conversion =
  'It may take manifests of one format only: try `--format v2s2`, or `--format oci`, which change the digest.';

function hintFor({ status, registryCode }: RegistryError): string | undefined {
  if (registryCode === 'MANIFEST_BLOB_UNKNOWN') return 'The registry lost a blob that it had: push again.';
  if (registryCode === 'TAG_INVALID' || registryCode === 'NAME_INVALID') return 'The registry takes no such name.';
  switch (status) {
    case 401:
      return 'Log in with `box login`, as a user who may push there.';
    case 403:
      return 'Your login may not push there; log in as someone who may, or push to another repository.';
    case 404:
      return 'The registry has no such repository, and some make none by a push: make it there first.';
    case 405:
      return 'This registry takes no pushes: it may be a mirror, or read-only.';
    case 413:
      return 'Something before the registry limits the length of a request: its administrator can raise that (nginx: client_max_body_size).';
    case 400:
    case 415:
      return registryCode === undefined || registryCode.startsWith('MANIFEST') || registryCode === 'UNSUPPORTED'
        ? conversion
        : undefined;
    default:
      return undefined;
  }
}
