import { readFile } from 'node:fs/promises';
import { BoxError } from '@boxkit/contracts';
import type { Credential } from './credential.ts';

/** The parts of docker's config.json and podman's auth.json that concern credentials; the rest is kept when written. */
export interface AuthFile {
  readonly auths: Readonly<Record<string, unknown>>;
  readonly credHelpers: Readonly<Record<string, string>>;
  readonly credsStore: string | undefined;
  /** The whole document. */
  readonly document: Readonly<Record<string, unknown>>;
}

/** Reads a credential file; undefined when there is none. Throws ERR_BOX_CREDENTIALS, never quoting the contents. */
export async function readAuthFile(path: string): Promise<AuthFile | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw unreadable(path, error.message, error);
  });
  if (text === undefined) return undefined;
  if (text.trim() === '') return { auths: {}, credHelpers: {}, credsStore: undefined, document: {} };
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // Without the parser's message, which quotes what it met.
    throw unreadable(path, 'it is not JSON');
  }
  if (!isRecord(document)) throw unreadable(path, 'it is no JSON object');
  const { auths, credHelpers, credsStore } = document;
  return {
    auths: isRecord(auths) ? auths : {},
    credHelpers: isRecord(credHelpers)
      ? Object.fromEntries(
          Object.entries(credHelpers).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
        )
      : {},
    credsStore: typeof credsStore === 'string' && credsStore !== '' ? credsStore : undefined,
    document,
  };
}

/** Reads one entry of `auths`: `auth` in base64, user and password apart, or an identity token. */
export function credentialOf(entry: unknown): Credential | undefined {
  if (!isRecord(entry)) return undefined;
  const { identitytoken, auth, username, password } = entry;
  if (typeof identitytoken === 'string' && identitytoken !== '')
    return { kind: 'identity-token', token: identitytoken };
  if (typeof auth === 'string' && auth !== '') {
    const pair = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = pair.indexOf(':');
    return colon <= 0
      ? undefined
      : { kind: 'password', username: pair.slice(0, colon), password: pair.slice(colon + 1) };
  }
  if (typeof username === 'string' && username !== '' && typeof password === 'string')
    return { kind: 'password', username, password };
  return undefined;
}

/** The key of an entry in its normal form: `https://index.docker.io/v1/` is docker.io, `http://host:5000/v2/` is host:5000. */
export function normalizeKey(key: string): string {
  const legacy = /^https?:\/\//.test(key);
  const bare = key.replace(/^https?:\/\//, '').replace(/\/+$/, '');
  const plain = legacy || /^[^/]+\/v[12]$/.test(bare) ? (bare.split('/')[0] ?? '') : bare;
  const [host = '', ...path] = plain.split('/');
  const name = ['index.docker.io', 'registry-1.docker.io', 'docker.io'].includes(host) ? 'docker.io' : host;
  return [name, ...path].join('/');
}

/** The names under which a repository's credential may be kept, the most particular first: podman keeps some by namespace. */
export function keysFor(registry: string, repository: string): string[] {
  const parts = repository.split('/');
  const paths = parts.map((_, index) => parts.slice(0, parts.length - index).join('/'));
  return [...paths.map((path) => `${registry}/${path}`), registry];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unreadable(path: string, why: string, cause?: Error): BoxError {
  return new BoxError(
    'ERR_BOX_CREDENTIALS',
    `cannot read credentials from ${path}: ${why}`,
    cause === undefined ? {} : { cause },
  );
}
