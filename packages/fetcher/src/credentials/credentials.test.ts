import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { BoxEvent } from '@boxkit/contracts';
import { startRegistry, temporaryDirectory } from '@boxkit/testkit';
import { keysFor, normalizeKey } from './auth-file.ts';
import { createCredentialFinder } from './find.ts';
import { checkCredential, parseRegistryName } from './login.ts';
import { forgetCredentials, saveCredentials } from './save.ts';

const resources = new AsyncDisposableStack();
afterAll(() => resources.disposeAsync());

let home: string;
let env: Record<string, string>;
let events: BoxEvent[];
beforeEach(async () => {
  home = resources.use(await temporaryDirectory('credentials')).path;
  env = { HOME: home, PATH: `${home}/bin:/usr/bin:/bin` };
  events = [];
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const find = async (registry: string, repository = 'some/app') =>
  await createCredentialFinder({ env, emit: (event) => events.push(event) })(
    registry,
    repository,
    new AbortController().signal,
  );

async function write(path: string, value: unknown): Promise<void> {
  await mkdir(join(home, path, '..'), { recursive: true });
  await writeFile(join(home, path), typeof value === 'string' ? value : JSON.stringify(value));
}

/** A helper that logs what it is asked in a file and answers with `script`. */
async function helper(name: string, script: string): Promise<void> {
  await write(
    `bin/docker-credential-${name}`,
    `#!/bin/sh\nread -r input\necho "$1 $input" >>"${home}/asked"\n${script}\n`,
  );
  await chmod(join(home, `bin/docker-credential-${name}`), 0o755);
}

const password = (username: string, secret: string) => ({ kind: 'password', username, password: secret });

describe('credentials are found', () => {
  it("in docker's config.json, by any spelling of Docker Hub", async () => {
    await write('.docker/config.json', {
      auths: { 'https://index.docker.io/v1/': { auth: base64('me:a:b') }, 'q.io': { auth: base64('you:x') } },
    });
    expect(await find('docker.io')).toEqual(password('me', 'a:b'));
    expect(await find('q.io')).toEqual(password('you', 'x'));
    expect(await find('other.io')).toBeUndefined();
  });

  it("in podman's auth.json, the most particular namespace first, before docker's", async () => {
    await write('.docker/config.json', { auths: { 'q.io': { auth: base64('docker:x') } } });
    await write('.config/containers/auth.json', {
      auths: {
        'q.io/some': { auth: base64('space:x') },
        'q.io': { auth: base64('host:x') },
        'q.io/some/app': { auth: base64('repo:x') },
      },
    });
    expect(await find('q.io')).toEqual(password('repo', 'x'));
    expect(await find('q.io', 'some/other')).toEqual(password('space', 'x'));
    expect(await find('q.io', 'any')).toEqual(password('host', 'x'));
  });

  it('in REGISTRY_AUTH_FILE alone when it is set, and in DOCKER_CONFIG first', async () => {
    await write('.config/containers/auth.json', { auths: { 'q.io': { auth: base64('podman:x') } } });
    await write('conf/config.json', { auths: { 'q.io': { auth: base64('conf:x') } } });
    env['DOCKER_CONFIG'] = join(home, 'conf');
    expect(await find('q.io')).toEqual(password('conf', 'x'));
    env['REGISTRY_AUTH_FILE'] = join(home, 'none');
    expect(await find('q.io')).toBeUndefined();
  });

  it('as identity tokens', async () => {
    await write('.docker/config.json', { auths: { 'q.io': { auth: base64('<token>:'), identitytoken: 'abc' } } });
    expect(await find('q.io')).toEqual({ kind: 'identity-token', token: 'abc' });
  });

  it("through a helper of the registry's own before the store for all", async () => {
    await write('.docker/config.json', { credsStore: 'all', credHelpers: { 'q.io': 'own' } });
    await helper('own', `echo '{"ServerURL":"q.io","Username":"own","Secret":"s"}'`);
    await helper('all', `echo '{"ServerURL":"","Username":"<token>","Secret":"t"}'`);
    expect(await find('q.io')).toEqual(password('own', 's'));
    expect(await find('docker.io')).toEqual({ kind: 'identity-token', token: 't' });
    expect(await readFile(join(home, 'asked'), 'utf8')).toBe('get q.io\nget https://index.docker.io/v1/\n');
  });

  it('not, without a word, when a helper has none', async () => {
    await write('.docker/config.json', { credsStore: 'empty' });
    await helper('empty', `echo 'credentials not found in native keychain'; exit 1`);
    expect(await find('q.io')).toBeUndefined();
    expect(events).toEqual([]);
  });

  it.each([
    ['a missing helper', { credsStore: 'nowhere' }, 'docker-credential-nowhere is not installed'],
    ['a failing helper', { credsStore: 'broken' }, 'ended with status 3'],
    ['a killed helper', { credsStore: 'killed' }, 'ended by SIGKILL'],
    ['a helper that never ends its answer', { credsStore: 'endless' }, 'longer than 1048576 bytes'],
    ['a helper that may not be executed', { credsStore: 'closed' }, 'may not be executed'],
    ['a helper that is a path', { credsStore: '../../bin/sh' }, "no helper's name"],
    ['a file that is no JSON', '{"auths": secret', 'it is not JSON'],
  ])('not, with a warning that holds no secret, because of %s', async (_name, file, message) => {
    await write('.docker/config.json', file);
    await helper('broken', 'echo a-secret; exit 3');
    await helper('killed', 'kill -9 $$');
    await helper('endless', 'exec yes a-secret');
    await write('bin/docker-credential-closed', 'a-secret');
    expect(await find('q.io')).toBeUndefined();
    expect(events).toEqual([expect.objectContaining({ type: 'warning', message: expect.stringContaining(message) })]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });
});

describe('keys', () => {
  it.each([
    ['https://index.docker.io/v1/', 'docker.io'],
    ['index.docker.io', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['http://host:5000/v2/', 'host:5000'],
    ['host:5000', 'host:5000'],
    ['q.io/some/app', 'q.io/some/app'],
  ])('%s is %s', (key, expected) => {
    expect(normalizeKey(key)).toBe(expected);
  });

  it('go from the repository up to the registry', () => {
    expect(keysFor('q.io', 'a/b')).toEqual(['q.io/a/b', 'q.io/a', 'q.io']);
  });
});

describe('saveCredentials', () => {
  const credential = { kind: 'password', username: 'me', password: 'pass:wörd' } as const;

  it('writes a file that only its owner reads, keeps all else in it, and finds it again', async () => {
    await write('.docker/config.json', {
      detachKeys: 'ctrl-x',
      auths: { 'q.io': { auth: base64('old:x') }, 'z.io': { auth: base64('z:z') } },
    });
    const { place, plain } = await saveCredentials('q.io', credential, { env });
    expect([place, plain]).toEqual([join(home, '.docker/config.json'), true]);
    expect((await stat(place)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(place, 'utf8'))).toMatchObject({ detachKeys: 'ctrl-x', auths: { 'z.io': {} } });
    expect(await find('q.io')).toEqual(credential);
    expect(await forgetCredentials('q.io', { env })).toEqual([place]);
    expect(await find('q.io')).toBeUndefined();
    expect(await find('z.io')).toEqual(password('z', 'z'));
    expect(await forgetCredentials('q.io', { env })).toEqual([]);
  });

  it('replaces what a link points to, not the link', async () => {
    await write('dotfiles/config.json', {});
    await mkdir(join(home, '.docker'));
    await symlink('../dotfiles/config.json', join(home, '.docker/config.json'));
    await saveCredentials('docker.io', credential, { env });
    expect(JSON.parse(await readFile(join(home, 'dotfiles/config.json'), 'utf8'))).toHaveProperty([
      'auths',
      'https://index.docker.io/v1/',
    ]);
  });

  it('hands it to the helper that the file names, and to no file', async () => {
    await write('.docker/config.json', { credsStore: 'all' });
    await helper('all', 'exit 0');
    expect(await saveCredentials('q.io', credential, { env })).toEqual({
      place: 'docker-credential-all',
      plain: false,
    });
    expect(await readFile(join(home, '.docker/config.json'), 'utf8')).not.toContain(base64('me:pass:wörd'));
    expect(await readFile(join(home, 'asked'), 'utf8')).toContain('"Secret":"pass:wörd"');
    expect(await forgetCredentials('q.io', { env })).toContain('docker-credential-all');
  });

  it('says that the helper is missing', async () => {
    await write('.docker/config.json', { credsStore: 'nowhere' });
    await expect(saveCredentials('q.io', credential, { env })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BOX_CREDENTIALS' }),
    );
  });
});

describe('checkCredential', () => {
  it.each(['htpasswd', 'token', 'token-anonymous'] as const)(
    'tells a right password from a wrong one, with auth %s',
    async (auth) => {
      await using registry = await startRegistry({ auth });
      const options = { registries: {}, env, signal: AbortSignal.timeout(20_000) };
      const { username } = registry;
      await checkCredential(registry.host, { kind: 'password', username, password: registry.password }, options);
      await expect(
        checkCredential(registry.host, { kind: 'password', username, password: 'wrong' }, options),
      ).rejects.toThrow(expect.objectContaining({ code: 'ERR_BOX_REGISTRY_UNAUTHORIZED' }));
    },
  );
});

describe('parseRegistryName', () => {
  it.each([
    ['', 'docker.io'],
    ['index.docker.io', 'docker.io'],
    ['https://q.io/', 'q.io'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['localhost:5000', 'localhost:5000'],
    ['intranet', 'intranet'],
  ])('reads %j as %s', (text, expected) => {
    expect(parseRegistryName(text)).toBe(expected);
  });

  it.each(['q.io/app', 'a b', 'q.io:port'])('refuses %j', (text) => {
    expect(() => parseRegistryName(text)).toThrow(expect.objectContaining({ code: 'ERR_BOX_REFERENCE_INVALID' }));
  });
});
