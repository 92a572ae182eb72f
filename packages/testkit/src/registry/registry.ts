import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../command.ts';
import { temporaryDirectory } from '../temporary.ts';
import { createAuthority, issueCertificate, type Authority } from './certificates.ts';
import { freePort } from './ports.ts';
import { startTokenServer, type TokenRequest, type TokenServer } from './token-server.ts';
import { waitForRegistry } from './wait.ts';

export interface RegistryOptions {
  /**
   * `htpasswd`: Basic for everything. `token`: Bearer, from a token server of its own, anonymous pulls refused.
   * `token-anonymous`: Bearer, and anyone may pull. Default: open to all.
   */
  readonly auth?: 'none' | 'htpasswd' | 'token' | 'token-anonymous';
  /** Serve https with a certificate of an authority made for this registry. */
  readonly tls?: boolean;
  /** With `tls`: refuse clients without a certificate of the same authority. */
  readonly clientCertificates?: boolean;
  /** Default `tester`. */
  readonly username?: string;
  /** Default `open sesame: ä`. */
  readonly password?: string;
  /** Seconds that a token lasts; default 300. Docker's registry allows 60 seconds of leeway. */
  readonly tokenLifetime?: number;
  /** Where the blobs lie; a temporary directory, removed at the end, when left out. */
  readonly storage?: string;
}

/** A running docker-registry (the distribution project's), on a free loopback port. */
export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:PORT`, as references have it. */
  readonly host: string;
  readonly port: number;
  /** `http://127.0.0.1:PORT` or https. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** The authority behind `tls`. Its certificate's path is what a client's CA option takes. */
  readonly authority: Authority | undefined;
  readonly storage: string;
  readonly pid: number;
  /** The token server's requests, for the two token forms of `auth`. */
  readonly tokenRequests: readonly TokenRequest[];
  /** Every request served so far, from the registry's own access log. */
  requests(): Promise<readonly ServedRequest[]>;
}

export interface ServedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Bytes of the body sent. */
  readonly bytes: number;
}

const service = 'boxkit test registry';
const issuer = 'boxkit test issuer';

/** Starts Debian's docker-registry with storage of its own; it ends with the disposal, or with this process. */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  await using stack = new AsyncDisposableStack();
  const work = stack.use(await temporaryDirectory('registry'));
  const username = options.username ?? 'tester';
  const password = options.password ?? 'open sesame: ä';
  const needsAuthority = options.tls === true || options.auth?.startsWith('token') === true;
  const authority = needsAuthority ? await createAuthority(work.path) : undefined;
  const storage = options.storage ?? join(work.path, 'storage');
  await mkdir(storage, { recursive: true });

  let tokenServer: TokenServer | undefined;
  const lines = ['version: 0.1', 'log: {level: error}', 'storage:', `  filesystem: {rootdirectory: ${quote(storage)}}`];
  lines.push('  delete: {enabled: true}', '  maintenance: {uploadpurging: {enabled: false}}');
  if (options.auth === 'htpasswd') {
    const file = join(work.path, 'htpasswd');
    await writeFile(file, `${username}:${await bcrypt(password)}\n`);
    lines.push(`auth: {htpasswd: {realm: ${quote(service)}, path: ${quote(file)}}}`);
  } else if (options.auth?.startsWith('token') === true && authority !== undefined) {
    tokenServer = stack.use(
      await startTokenServer({
        signer: await issueCertificate(authority, 'server', 'token signer'),
        service,
        issuer,
        username,
        password,
        anonymous: options.auth === 'token-anonymous',
        lifetime: options.tokenLifetime ?? 300,
      }),
    );
    lines.push('auth:', '  token:', `    realm: ${quote(tokenServer.realm)}`, `    service: ${quote(service)}`);
    lines.push(`    issuer: ${quote(issuer)}`, `    rootcertbundle: ${quote(authority.certificate)}`);
  }
  const httpLines = ['  secret: boxkit', '  relativeurls: true', '  http2: {disabled: true}'];
  if (options.tls === true && authority !== undefined) {
    const server = await issueCertificate(authority, 'server');
    const clients = options.clientCertificates === true ? `, clientcas: [${quote(authority.certificate)}]` : '';
    httpLines.push(`  tls: {certificate: ${quote(server.certificate)}, key: ${quote(server.key)}${clients}}`);
  }

  const log = join(work.path, 'access.log');
  const started = await start(work.path, log, (port) => [...lines, 'http:', `  addr: 127.0.0.1:${port}`, ...httpLines]);
  stack.defer(() => stop(started.child));
  const cleanup = stack.move();
  return {
    host: `127.0.0.1:${started.port}`,
    port: started.port,
    url: `${options.tls === true ? 'https' : 'http'}://127.0.0.1:${started.port}`,
    username,
    password,
    authority,
    storage,
    pid: started.child.pid ?? 0,
    get tokenRequests() {
      return tokenServer?.requests ?? [];
    },
    requests: async () => parseAccessLog(await readFile(log, 'utf8')),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

async function start(
  directory: string,
  log: string,
  config: (port: number) => readonly string[],
): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const file = join(directory, 'config.yml');
    await writeFile(file, `${config(port).join('\n')}\n`);
    // pdeathsig: a test runner that is killed must not leave a registry behind.
    const command = `exec setpriv --pdeathsig KILL docker-registry serve "$1" >>"$2" 2>"$3"`;
    const errors = join(directory, 'errors.log');
    const child = spawn('/bin/sh', ['-c', command, 'sh', file, log, errors], {
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], HOME: directory, OTEL_TRACES_EXPORTER: 'none' },
    });
    if (await waitForRegistry(port, child)) return { child, port };
    await stop(child);
    if (attempt === 5) throw new Error(`docker-registry does not start: ${await readFile(errors, 'utf8')}`);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

/** perl's crypt(3), because apache2-utils is not everywhere and libcrypt with bcrypt is. */
async function bcrypt(password: string): Promise<string> {
  const script = 'my $p = <STDIN>; print crypt($p, q($2y$05$boxkitboxkitboxkitboxe))';
  const { stdout } = await runCommand('perl', ['-e', script], { input: password });
  return stdout;
}

/** YAML reads a JSON string as it is. */
function quote(text: string): string {
  return JSON.stringify(text);
}

function parseAccessLog(text: string): ServedRequest[] {
  return [...text.matchAll(/"([A-Z]+) (\S+) HTTP\/[\d.]+" (\d{3}) (\d+)/g)].map(
    ([, method = '', path = '', status, bytes]) => ({ method, path, status: Number(status), bytes: Number(bytes) }),
  );
}
