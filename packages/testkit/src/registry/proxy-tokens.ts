import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { sendThrough } from './fault-effects.ts';
import type { ProxyStart } from './proxy-protocol.ts';
import type { OpenRecord } from './request-log.ts';

/** How the proxy asks for tokens: its own, or those of the registry behind it, with the realm moved to the proxy. */
export interface ProxyTokens {
  /** Whether a request may pass; counts one use of its token. */
  admit(authorization: string | undefined): boolean;
  /** What the registry behind is sent: nothing of the proxy's own tokens. */
  upstreamAuthorization(authorization: string | undefined): string | undefined;
  /** Answers 401 with a challenge. */
  challenge(request: IncomingMessage, response: ServerResponse, record: OpenRecord): void;
  /** Answers a request to the token endpoint. */
  answer(request: IncomingMessage, response: ServerResponse, record: OpenRecord): Promise<void>;
  /** Points the realm of the registry's own challenge to the proxy, so that token requests can be harmed too. */
  rewriteChallenge(incoming: IncomingMessage, host: string): void;
}

const prefix = 'proxytoken-';

export function proxyTokens(options: ProxyStart): ProxyTokens {
  const scheme = options.tls === undefined ? 'http' : 'https';
  const uses = new Map<string, number>();
  let upstreamChallenge: string | undefined;

  const own = (authorization: string | undefined): string | undefined => {
    const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
    return token?.startsWith(prefix) === true ? token : undefined;
  };

  return {
    admit(authorization) {
      if (options.auth === undefined) return true;
      const token = own(authorization);
      const left = token === undefined ? 0 : (uses.get(token) ?? 0);
      if (token !== undefined) uses.set(token, left - 1);
      return left > 0;
    },
    upstreamAuthorization: (authorization) => (own(authorization) === undefined ? authorization : undefined),
    challenge(request, response, record) {
      const repository = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(record.path)?.[1];
      const scope =
        repository === undefined
          ? ''
          : `,scope="repository:${repository}:${record.kind === 'upload' ? 'pull,push' : 'pull'}"`;
      const made = `Bearer realm="${scheme}://${request.headers.host}/__token",service="boxkit proxy"${scope}`;
      response.writeHead(401, {
        'content-type': 'application/json',
        'www-authenticate': upstreamChallenge === undefined ? made : `${upstreamChallenge}${scope}`,
      });
      response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }));
    },
    async answer(request, response, record) {
      const realm = /^\/__token\/([\w-]+)/.exec(record.path)?.[1];
      if (realm !== undefined) {
        await askUpstream(Buffer.from(realm, 'base64url').toString(), request, { response, record });
        return;
      }
      if (!isKnown(options, request.headers.authorization, record.body)) {
        response.writeHead(401, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'wrong user name or password' }] }));
        return;
      }
      const token = `${prefix}${uses.size + 1}`;
      uses.set(token, options.auth?.usesPerToken ?? Number.POSITIVE_INFINITY);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ token, access_token: token, expires_in: 300 }));
    },
    rewriteChallenge(incoming, host) {
      const challenge = incoming.headers['www-authenticate'];
      if (challenge === undefined) return;
      const rewritten = challenge.replace(/realm="(http[^"]+)"/, (_all, realm: string) => {
        return `realm="${scheme}://${host}/__token/${Buffer.from(realm).toString('base64url')}"`;
      });
      incoming.headers['www-authenticate'] = rewritten;
      upstreamChallenge = rewritten.replace(/,(?:scope|error)="[^"]*"/g, '');
    },
  };
}

function isKnown({ auth }: ProxyStart, authorization: string | undefined, body: string): boolean {
  if (auth?.username === undefined) return true;
  const form = new URLSearchParams(body);
  if (form.get('username') === auth.username && form.get('password') === (auth.password ?? '')) return true;
  return authorization === `Basic ${Buffer.from(`${auth.username}:${auth.password ?? ''}`).toString('base64')}`;
}

async function askUpstream(
  realm: string,
  request: IncomingMessage,
  { response, record }: { readonly response: ServerResponse; readonly record: OpenRecord },
): Promise<void> {
  const url = new URL(realm);
  const query = record.path.split('?')[1];
  if (query !== undefined) url.search = query;
  const outgoing = httpRequest(url, {
    method: record.method,
    headers: { ...request.headers, host: url.host },
    agent: false,
  });
  const incoming = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
  });
  outgoing.end(record.body);
  await sendThrough(await incoming, response, record);
}
