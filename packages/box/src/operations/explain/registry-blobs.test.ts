import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  buildImage,
  buildLayer,
  compareTrees,
  issueCertificate,
  pushDocument,
  startFaultyRegistry,
  startRegistry,
  temporaryDirectory,
  tryCommand,
  whiteout,
} from '@boxkit/testkit';
import type { CommandResult, FaultyRegistry, Registry } from '@boxkit/testkit';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { createBox } from '../../index.ts';
import type { Box } from '../../index.ts';

const command = ['sh', '-c', 'busybox cat /etc/issue; busybox ls /bin; busybox id -u'];
const user = { username: 'tester', password: String.raw`open "sesame": \ä $(id)` };
let stack: AsyncDisposableStack;
let work: string;
let box: Box;
let open: Registry;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  work = stack.use(await temporaryDirectory('script')).path;
  open = stack.use(await startRegistry());
  await pushDocument(open, 'some/image', await image(), 'v1');
  box = stack.use(await createBox({ home: join(work, 'store') }));
});
afterAll(() => stack.disposeAsync());
afterEach(() => {
  vi.unstubAllEnvs();
});

async function image() {
  const busybox = { path: 'bin/busybox', content: await readFile('/bin/busybox'), mode: 0o755 };
  const directories = ['.', 'bin', 'etc', 'proc', 'dev'].map((path) => ({
    path,
    type: 'directory' as const,
    mtime: 9,
  }));
  const sh = { path: 'bin/sh', type: 'symlink' as const, link: 'busybox' };
  const old = { path: 'etc/old', content: 'old' };
  const lower = buildLayer([...directories, busybox, sh, old], { compression: 'gzip' });
  const upper = buildLayer([{ path: 'etc/issue', content: 'by curl\n' }, whiteout('etc/old')], { compression: 'zstd' });
  return buildImage({ layers: [lower, upper] });
}

/** Lets the box itself log in: by docker's file, as anybody does. */
async function logIn(host: string, { username, password }: typeof user): Promise<void> {
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  await mkdir(join(work, 'docker'), { recursive: true });
  await writeFile(join(work, 'docker/config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
  vi.stubEnv('DOCKER_CONFIG', join(work, 'docker'));
}

async function write(host: string, by = box): Promise<string> {
  const script = await by.script(`${host}/some/image:v1`, { args: command, from: 'registry' });
  const path = join(work, `${host}.sh`);
  await writeFile(path, script);
  return path;
}

function byHand(script: string, args: readonly string[], env: Record<string, string> = {}): Promise<CommandResult> {
  return tryCommand('sh', [script, ...args], { cwd: work, env: { PATH: process.env['PATH'], ...env } });
}

async function expectSameAsBox(host: string, env: Record<string, string> = {}, by = box): Promise<void> {
  const reference = `${host}/some/image:v1`;
  const script = await write(host, by);
  const [tree, unpacked] = [join(work, `${host}.tree`), join(work, `${host}.unpacked`)];
  expect(await byHand(script, [tree, 'unpack'], env)).toMatchObject({ code: 0, stdout: '', stderr: '' });
  await by.unpack(reference, unpacked);
  expect(await compareTrees(unpacked, tree)).toEqual([]);
  const run = await byHand(script, [join(work, `${host}.run`)], env);
  await using container = await by.run(reference, { args: command });
  const stdout = container.stdout === null ? '' : await text(container.stdout);
  expect(run).toMatchObject({ code: 0, stdout, stderr: '' });
  expect(stdout).toContain('by curl');
}

async function tokens(auth: {
  readonly username?: string;
  readonly password?: string;
  readonly usesPerToken?: number;
}) {
  const script = [{ match: { kind: 'blob' as const }, fault: { kind: 'redirect' as const, to: 'storage' } }];
  return stack.use(await startFaultyRegistry({ upstream: open.url, auth, script }));
}

async function leakedTo(registry: FaultyRegistry): Promise<number> {
  const storage = (await registry.requests()).filter(({ kind }) => kind === 'storage');
  expect(storage.length).toBeGreaterThan(0);
  return storage.filter(({ headers }) => headers['authorization'] !== undefined).length;
}

test('a script downloads from an open registry, and gives what box gives', async () => {
  await expectSameAsBox(open.host);
});

test('a script gets tokens for anybody, new ones when they expire, and takes none to where a redirect leads', async () => {
  const registry = await tokens({ usesPerToken: 2 });
  await expectSameAsBox(registry.host);
  expect(await leakedTo(registry)).toBe(0);
});

test('a script gets tokens with the password of its environment', async () => {
  const registry = await tokens(user);
  await logIn(registry.host, user);
  await expectSameAsBox(registry.host, { BOX_SCRIPT_USER: `${user.username}:${user.password}` });
  expect(await leakedTo(registry)).toBe(0);
  const script = await write(registry.host);
  expect(await readFile(script, 'utf8')).not.toContain('sesame');
  const refused = await byHand(script, ['refused'], { BOX_SCRIPT_USER: 'tester:wrong' });
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('no token from') as unknown });
});

test('a script sends user and password to a registry that asks for no more', async () => {
  await using registry = await startRegistry({ auth: 'htpasswd' });
  await pushDocument(registry, 'some/image', await image(), 'v1');
  await logIn(registry.host, registry);
  await expectSameAsBox(registry.host, { BOX_SCRIPT_USER: `${registry.username}:${registry.password}` });
  const refused = await byHand(await write(registry.host), ['nobody']);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('BOX_SCRIPT_USER') as unknown });
});

test('a script goes to a registry as box does: with its authority, a certificate of its own, a proxy or none', async () => {
  await using registry = await startRegistry({ tls: true, clientCertificates: true, storage: open.storage });
  if (registry.authority === undefined) throw new Error('no authority');
  const { certificate: ca } = registry.authority;
  const client = await issueCertificate(registry.authority, 'client');
  const config = join(work, 'config.json');
  const section = { ca, clientCertificate: client, proxy: false };
  await writeFile(config, JSON.stringify({ registries: { [registry.host]: section } }));
  vi.stubEnv('BOX_CONFIG', config);
  await using configured = await createBox({ home: join(work, 'store') });
  const env = {
    BOX_SCRIPT_CERTIFICATE: client.certificate,
    BOX_SCRIPT_KEY: client.key,
    HTTPS_PROXY: 'http://127.0.0.1:9',
  };
  await expectSameAsBox(registry.host, env, configured);
  const script = await write(registry.host, configured);
  expect(await readFile(script, 'utf8')).not.toContain('PRIVATE KEY');
  const without = await byHand(script, ['without', 'unpack']);
  expect(without).toMatchObject({ code: 1, stderr: expect.stringContaining('BOX_SCRIPT_CERTIFICATE=FILE') as unknown });
});

test('a script uses no byte that does not fit its digest, and says what the registry answered', async () => {
  const registry = stack.use(await startFaultyRegistry({ upstream: open.url }));
  const script = await write(registry.host);
  await registry.setScript([{ match: { kind: 'blob' }, fault: { kind: 'corrupt', at: 9 } }]);
  const changed = await byHand(script, ['changed', 'unpack']);
  expect(changed).toMatchObject({ code: 1, stderr: expect.stringContaining('is not what its digest says') as unknown });
  await registry.setScript([{ match: { kind: 'blob' }, fault: { kind: 'status', status: 404 } }]);
  const missing = await byHand(script, ['missing', 'unpack']);
  expect(missing).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('answered 404 to blobs/sha256:') as unknown,
  });
});

test('a password goes to no realm elsewhere that is not encrypted', async () => {
  const registry = stack.use(await startFaultyRegistry({ upstream: open.url }));
  const script = await write(registry.host);
  for (const realm of [
    'http://registry.invalid/token',
    'http://127.0.0.1:80@registry.invalid/',
    'file:///etc/passwd',
  ]) {
    const headers = { 'www-authenticate': `Basic realm="x", Bearer realm="${realm}",service="s"` };
    await registry.setScript([{ fault: { kind: 'status', status: 401, headers } }]);
    const env = { BOX_SCRIPT_USER: 'me:secret' };
    const refused = await byHand(script, [`realm-${realm.length}`, 'unpack'], env);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(realm) as unknown });
    expect(refused.stderr).toMatch(/strange realm|unencrypted/);
  }
});

test('what a registry names as its realm is no option of curl', async () => {
  const registry = stack.use(await startFaultyRegistry({ upstream: open.url }));
  const script = await write(registry.host);
  const headers = { 'www-authenticate': `Bearer realm="-o${work}/written",service="@/etc/passwd"` };
  await registry.setScript([{ fault: { kind: 'status', status: 401, headers } }]);
  const refused = await byHand(script, ['option', 'unpack']);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('strange realm') as unknown });
  await expect(readFile(join(work, 'written'))).rejects.toThrow('ENOENT');
});

test('an image that is in no registry cannot be downloaded', async () => {
  await expect(box.script('host:sh', { args: ['sh'], from: 'registry' })).rejects.toMatchObject({
    code: 'ERR_BOX_NOT_ENFORCEABLE',
    hint: expect.stringContaining('--from registry') as unknown,
  });
});
