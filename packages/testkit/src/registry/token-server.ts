import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { certificateBase64, type Certificate } from './certificates.ts';

/** A server that gives out tokens as the distribution project's "Token Authentication Specification" has it. */
export interface TokenServer extends AsyncDisposable {
  readonly realm: string;
  /** Every token request so far, with its form body or query in `parameters`. */
  readonly requests: readonly TokenRequest[];
}

export interface TokenRequest {
  readonly method: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
}

export interface TokenServerOptions {
  /** Signs the tokens; the registry trusts its certificate. */
  readonly signer: Certificate;
  readonly service: string;
  readonly issuer: string;
  readonly username: string;
  readonly password: string;
  /** Whether a request without credentials gets a token for pulling. */
  readonly anonymous: boolean;
  /** Seconds that a token lasts. */
  readonly lifetime: number;
}

interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** Gives tokens for both forms: GET with Basic, and the OAuth2 POST with a password or the refresh token that it handed out. */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const requests: TokenRequest[] = [];
  const refreshToken = `refresh-${randomUUID()}`;
  const chain = await certificateBase64(options.signer.certificate);
  const key = createPrivateKey(readFileSync(options.signer.key));

  const token = (access: readonly Access[]): string => {
    const now = Math.floor(Date.now() / 1000);
    const header = { typ: 'JWT', alg: 'ES256', x5c: [chain] };
    const claims = {
      iss: options.issuer,
      sub: options.username,
      aud: options.service,
      nbf: now - 60,
      iat: now,
      exp: now + options.lifetime,
      jti: randomUUID(),
      access,
    };
    const body = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const signature = sign('sha256', Buffer.from(body), { key, dsaEncoding: 'ieee-p1363' });
    return `${body}.${signature.toString('base64url')}`;
  };

  const server = createServer((request, response) => {
    void readRequest(request).then((received) => {
      requests.push(received);
      const known = isKnown(received, options, refreshToken);
      if (!known && (!options.anonymous || presentsCredentials(received))) {
        response.writeHead(401, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'incorrect username or password' }] }));
        return;
      }
      const access = parseScopes(received.parameters['scope'] ?? '', known ? undefined : ['pull']);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({
          token: token(access),
          access_token: token(access),
          expires_in: options.lifetime,
          issued_at: new Date().toISOString(),
          ...(known ? { refresh_token: refreshToken } : {}),
        }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { realm: `http://127.0.0.1:${port}/token`, requests, [Symbol.asyncDispose]: () => close(server) };
}

function presentsCredentials({ authorization, parameters }: TokenRequest): boolean {
  return authorization !== undefined || 'password' in parameters || 'refresh_token' in parameters;
}

function isKnown(request: TokenRequest, options: TokenServerOptions, refreshToken: string): boolean {
  const { parameters, authorization } = request;
  if (parameters['grant_type'] === 'refresh_token') return parameters['refresh_token'] === refreshToken;
  if (parameters['grant_type'] === 'password') {
    return parameters['username'] === options.username && parameters['password'] === options.password;
  }
  const expected = Buffer.from(`${options.username}:${options.password}`).toString('base64');
  return authorization === `Basic ${expected}`;
}

function parseScopes(scopes: string, allowed: readonly string[] | undefined): Access[] {
  return scopes
    .split(' ')
    .filter((scope) => scope !== '')
    .map((scope) => {
      const [type = '', ...rest] = scope.split(':');
      const actions = (rest.pop() ?? '').split(',');
      return {
        type,
        name: rest.join(':'),
        actions: actions.filter((action) => allowed?.includes(action) ?? true),
      };
    });
}

async function readRequest(request: IncomingMessage): Promise<TokenRequest> {
  const url = new URL(request.url ?? '/', 'http://token.invalid');
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const parameters: Record<string, string> = {};
  for (const [name, value] of [...url.searchParams, ...new URLSearchParams(body)]) {
    parameters[name] = name === 'scope' && name in parameters ? `${parameters[name]} ${value}` : value;
  }
  return { method: request.method ?? 'GET', parameters, authorization: request.headers.authorization };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
