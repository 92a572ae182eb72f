import { BoxError, parseDigest, type RegistryReference } from '@boxkit/contracts';

// The grammar of github.com/distribution/reference, regexp.go.
const domainComponent = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const domainName = `${domainComponent}(?:\\.${domainComponent})*`;
const ipv6Address = '\\[[a-fA-F0-9:]+\\]';
const domain = new RegExp(`^(?:${domainName}|${ipv6Address})(?::[0-9]+)?$`);
const pathComponent = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const tagGrammar = /^\w[\w.-]{0,127}$/;
const bareDigest = /^[a-f0-9]{64}$/;

/** Longest repository path, in characters. */
const repositoryLimit = 255;
/** Longer texts are refused unread, so that no message or pattern ever meets them. */
const textLimit = 4096;
const defaultRegistry = 'docker.io';
const legacyRegistry = 'index.docker.io';
const officialPrefix = 'library/';

/**
 * Parses `[registry/]repository[:tag][@digest]` and fills in what a person leaves out: `docker.io`, `library/`
 * and, without tag and digest, the tag `latest`. Throws ERR_BOX_REFERENCE_INVALID (or ERR_BOX_DIGEST_INVALID).
 * Grammar: distribution/reference, as `docker pull` has it.
 */
export function parseRegistryReference(text: string): RegistryReference {
  if (text === '') throw invalid(text, 'it is empty');
  if (text.length > textLimit) throw invalid(text, `it is longer than ${textLimit} characters`);
  if (bareDigest.test(text)) throw invalid(text, 'it is 64 hexadecimal digits, which name no repository');
  // Whoever detects what paths hold has been asked before.
  if (/^\.{0,2}\//.test(text)) throw invalid(text, 'it is a path, and no image is there', pathHint);
  const at = text.indexOf('@');
  if (at !== -1 && text.includes('/', at)) throw userInfo();
  const name = at === -1 ? text : text.slice(0, at);
  const digest = at === -1 ? undefined : parseDigest(text.slice(at + 1));
  const { registry, remainder } = splitRegistry(name);
  if (!domain.test(registry)) throw invalid(text, `${JSON.stringify(registry)} is no registry host`);
  checkPort(text, registry);
  const { repository, tag } = splitTag(remainder);
  checkRepository(text, repository);
  if (tag !== undefined && !tagGrammar.test(tag)) {
    throw invalid(text, `${JSON.stringify(tag.slice(0, 140))} is no tag`, tagHint);
  }
  if (digest !== undefined) return { registry, repository, ...(tag === undefined ? {} : { tag }), digest };
  return { registry, repository, tag: tag ?? 'latest' };
}

/** Writes a reference with all its parts: `docker.io/library/alpine:latest`. */
export function formatRegistryReference(reference: RegistryReference): string {
  return `${reference.registry}/${reference.repository}${suffix(reference)}`;
}

/** Writes a reference as briefly as it can be read back: `alpine:latest`. distribution/reference calls it familiar. */
export function familiarRegistryReference(reference: RegistryReference): string {
  if (reference.registry !== defaultRegistry) return formatRegistryReference(reference);
  const path = reference.repository.startsWith(officialPrefix)
    ? reference.repository.slice(officialPrefix.length)
    : reference.repository;
  const brief = `${path}${suffix(reference)}`;
  return readsBackAs(brief, reference) ? brief : formatRegistryReference(reference);
}

// `docker.io/localhost/x` must keep its registry: `localhost/x` alone names a host.
function readsBackAs(text: string, reference: RegistryReference): boolean {
  const { registry, remainder } = splitRegistry(text.split('@')[0] ?? '');
  return registry === reference.registry && splitTag(remainder).repository === reference.repository;
}

function suffix({ tag, digest }: RegistryReference): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

function splitRegistry(name: string): { registry: string; remainder: string } {
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  const isHost = first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first;
  const registry = !isHost || first === legacyRegistry ? defaultRegistry : first;
  const remainder = isHost ? name.slice(slash + 1) : name;
  const official = registry === defaultRegistry && !remainder.includes('/');
  return { registry, remainder: official ? `${officialPrefix}${remainder}` : remainder };
}

function splitTag(remainder: string): { repository: string; tag: string | undefined } {
  const colon = remainder.indexOf(':');
  if (colon === -1) return { repository: remainder, tag: undefined };
  return { repository: remainder.slice(0, colon), tag: remainder.slice(colon + 1) };
}

function checkPort(text: string, registry: string): void {
  const port = /:(\d+)$/.exec(registry)?.[1];
  if (port !== undefined && (port.length > 5 || Number(port) > 65535)) throw invalid(text, `there is no port ${port}`);
}

function checkRepository(text: string, repository: string): void {
  if (repository.toLowerCase() !== repository) {
    const lower = repository.toLowerCase().split('/');
    const hint = lower.every((part) => pathComponent.test(part)) ? `Did you mean ${lower.join('/')}?` : repositoryHint;
    throw invalid(text, 'a repository name is lower case', hint);
  }
  if (repository.length > repositoryLimit) {
    throw invalid(text, `its repository name is longer than ${repositoryLimit} characters`);
  }
  const wrong = repository.split('/').find((component) => !pathComponent.test(component));
  if (wrong !== undefined) {
    throw invalid(text, `${JSON.stringify(wrong)} cannot be part of a repository name`, repositoryHint);
  }
}

// Without the text, which may hold a password.
function userInfo(): BoxError {
  return new BoxError('ERR_BOX_REFERENCE_INVALID', 'cannot read a reference with a user name in it', {
    hint: 'Leave USER:PASSWORD@ out, and run `box login REGISTRY`.',
  });
}

const pathHint =
  'Images are archives of docker save or of an OCI layout, and directories with manifest.json, repositories or oci-layout.';
const tagHint = 'A tag is at most 128 letters, digits, underscores, dots and dashes, and starts with no dot or dash.';
const repositoryHint =
  'A repository name is lower-case letters and digits, joined by single dots, one or two underscores, or dashes, with / between its parts.';

function invalid(text: string, why: string, hint?: string): BoxError {
  const shown = text.length > 200 ? `${text.slice(0, 200)}...` : text;
  return new BoxError('ERR_BOX_REFERENCE_INVALID', `cannot read ${JSON.stringify(shown)} as a reference: ${why}`, {
    hint: hint ?? 'A reference is [host[:port]/]repository[:tag][@digest], as in alpine:3.20 or localhost:5000/app.',
    fields: { reference: shown },
  });
}
