import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  buildImage,
  buildLayer,
  pushDocument,
  startFaultyRegistry,
  startRegistry,
  temporaryDirectory,
  type Registry,
} from '@boxkit/testkit';
import { pull, quick } from '../pull.fixture.ts';
import type { Credential } from '../credentials/credential.ts';

const image = buildImage({ layers: [buildLayer([{ path: 'etc/motd', content: 'hello' }])] });
const resources = new AsyncDisposableStack();
afterAll(() => resources.disposeAsync());

async function home(): Promise<string> {
  return resources.use(await temporaryDirectory('auth')).path;
}

const login = (registry: Registry) => ({
  findCredential: () =>
    Promise.resolve<Credential>({ kind: 'password', username: registry.username, password: registry.password }),
});

describe.each(['none', 'htpasswd'] as const)('a registry with auth %s', (auth) => {
  it('gives an image to someone with the right login', async () => {
    const registry = resources.use(await startRegistry({ auth }));
    await pushDocument(registry, 'some/app', image, '1');
    const { image: pulled } = await pull(await home(), `${registry.host}/some/app:1`, login(registry));
    expect(pulled.manifest.digest).toBe(image.descriptor.digest);
  });
});

describe.each([
  ['none', 'ERR_BOX_IMAGE_NOT_FOUND'],
  ['htpasswd', 'ERR_BOX_REGISTRY_UNAUTHORIZED'],
  ['token', 'ERR_BOX_REGISTRY_UNAUTHORIZED'],
  ['token-anonymous', 'ERR_BOX_IMAGE_NOT_FOUND'],
] as const)('a registry with auth %s', (auth, strangersCode) => {
  let registry: Registry;
  beforeAll(async () => {
    registry = resources.use(await startRegistry({ auth }));
  });

  it('tells someone with the right login that there is no such image', async () => {
    await expect(pull(await home(), `${registry.host}/some/app:1`, login(registry))).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BOX_IMAGE_NOT_FOUND', registryCode: 'MANIFEST_UNKNOWN' }),
    );
    const asked = registry.tokenRequests.map(({ parameters }) => `${parameters['account']} ${parameters['scope']}`);
    expect(asked).toEqual(auth.startsWith('token') ? ['tester repository:some/app:pull'] : []);
  });

  it('tells a stranger what is wrong', async () => {
    await expect(pull(await home(), `${registry.host}/other/app:1`)).rejects.toThrow(
      expect.objectContaining({ code: strangersCode }),
    );
  });

  it('keeps a wrong password out of its messages', async () => {
    const findCredential = () =>
      Promise.resolve<Credential>({ kind: 'password', username: 'tester', password: 'hunter2-secret' });
    const error: unknown = await pull(await home(), `${registry.host}/other/app:1`, { findCredential }).catch(
      (caught: unknown) => caught,
    );
    expect(JSON.stringify(error)).not.toContain('hunter2');
    expect(error).toMatchObject({ name: 'RegistryError' });
  });
});

describe('tokens', () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = resources.use(await startRegistry());
    await pushDocument(registry, 'some/app', image, '1');
  });

  it('are refreshed when they expire in the middle of a pull', async () => {
    await using faulty = await startFaultyRegistry({ upstream: registry.url, auth: { usesPerToken: 1 } });
    await pull(await home(), `${faulty.host}/some/app:1`);
    const tokens = (await faulty.requests()).filter((request) => request.kind === 'token');
    expect(tokens.length).toBeGreaterThan(1);
  });

  it('come for an identity token by POST, and the token is in no URL', async () => {
    await using faulty = await startFaultyRegistry({
      upstream: registry.url,
      auth: { username: 'someone', password: 'secret' },
    });
    const findCredential = () => Promise.resolve<Credential>({ kind: 'identity-token', token: 'an-identity' });
    await pull(await home(), `${faulty.host}/some/app:1`, { findCredential }).catch(() => {});
    const [request] = (await faulty.requests()).filter(({ kind }) => kind === 'token');
    expect(request).toMatchObject({ method: 'POST' });
    expect(request?.body).toContain('grant_type=refresh_token');
    expect(request?.path).not.toContain('an-identity');
  });

  it('never grow without bound', async () => {
    await using faulty = await startFaultyRegistry({
      upstream: registry.url,
      auth: {},
      script: [{ match: { kind: 'token' }, fault: { kind: 'endless' }, times: Number.POSITIVE_INFINITY }],
    });
    await expect(pull(await home(), `${faulty.host}/some/app:1`)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BOX_REGISTRY_PROTOCOL' }),
    );
  });

  it('are not asked for at an unencrypted realm of another host with a credential', async () => {
    await using faulty = await startFaultyRegistry({
      upstream: registry.url,
      script: [
        {
          fault: {
            kind: 'status',
            status: 401,
            headers: { 'www-authenticate': 'Bearer realm="http://realm.invalid/token",service="s"' },
          },
          times: 9,
        },
      ],
    });
    await expect(pull(await home(), `${faulty.host}/some/app:1`, login(registry))).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_BOX_REGISTRY_UNAUTHORIZED',
        message: expect.stringContaining('unencrypted'),
      }),
    );
  });
});

describe('TLS', () => {
  it('trusts the CA of the config, presents a client certificate, and explains what fails', async () => {
    const registry = resources.use(await startRegistry({ tls: true, clientCertificates: true }));
    const { certificate, key } = registry.authority ?? { certificate: '', key: '' };
    const ca = readFileSync(certificate, 'utf8');
    const at = (tls: object) => ({ ...quick, registries: { [registry.host]: { tls } } });
    const reference = `${registry.host}/some/app:1`;
    await expect(pull(await home(), reference, at({}))).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_BOX_REGISTRY_UNREACHABLE',
        hint: expect.stringContaining('registries.HOST.ca'),
      }),
    );
    await expect(pull(await home(), reference, at({ ca }))).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_BOX_REGISTRY_UNREACHABLE',
        hint: expect.stringContaining('clientCertificate'),
      }),
    );
    await expect(
      pull(await home(), reference, at({ ca, certificate: ca, key: readFileSync(key, 'utf8') })),
    ).rejects.toThrow(expect.objectContaining({ code: 'ERR_BOX_IMAGE_NOT_FOUND' }));
  });

  it('goes unchecked only where the config says so, with a warning', async () => {
    const registry = resources.use(await startRegistry({ tls: true }));
    await pushDocument(registry, 'some/app', image, '1');
    const { events } = await pull(await home(), `${registry.host}/some/app:1`, {
      registries: { [registry.host]: { tls: { insecure: true } } },
    });
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'tls-unverified' }));
  });

  it('finds the certificates that docker and podman were given', async () => {
    const registry = resources.use(await startRegistry({ tls: true, clientCertificates: true }));
    const { certificate, key } = registry.authority ?? { certificate: '', key: '' };
    const configuration = await home();
    const directory = join(configuration, 'containers/certs.d', registry.host);
    await mkdir(directory, { recursive: true });
    for (const [from, to] of [
      [certificate, 'ca.crt'],
      [certificate, 'client.cert'],
      [key, 'client.key'],
    ] as const) {
      await copyFile(from, join(directory, to));
    }
    await expect(
      pull(await home(), `${registry.host}/some/app:1`, { env: { XDG_CONFIG_HOME: configuration } }),
    ).rejects.toThrow(expect.objectContaining({ code: 'ERR_BOX_IMAGE_NOT_FOUND' }));
  });
});
