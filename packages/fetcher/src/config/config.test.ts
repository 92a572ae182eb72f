import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '@boxkit/testkit';
import { loadConfig } from './load.ts';

const resources = new AsyncDisposableStack();
let directory: string;
beforeAll(async () => {
  directory = resources.use(await temporaryDirectory('config')).path;
});
afterAll(() => resources.disposeAsync());

async function load(value: unknown) {
  const path = join(directory, 'config.json');
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
  return await loadConfig({ BOX_CONFIG: path });
}

describe('loadConfig', () => {
  it('reads every field, and certificates relative to the file', async () => {
    for (const name of ['ca.pem', 'me.pem', 'me.key']) await writeFile(join(directory, name), name);
    const { registries } = await load({
      isolation: 'bubblewrap',
      registries: {
        'docker.io': { mirrors: ['mirror.io:5000', 'http://cache/hub'] },
        'q.io': { ca: 'ca.pem', clientCertificate: { certificate: 'me.pem', key: 'me.key' }, proxy: 'proxy:3128' },
        'lan:5000': { http: true, proxy: false, insecureSkipTlsVerify: true },
      },
    });
    expect(registries['docker.io']?.mirrors).toEqual(['mirror.io:5000', 'http://cache/hub']);
    expect(registries['q.io']).toMatchObject({ tls: { ca: 'ca.pem', certificate: 'me.pem', key: 'me.key' } });
    expect(String(registries['q.io']?.proxy)).toBe('http://proxy:3128/');
    expect(registries['lan:5000']).toEqual({ http: true, proxy: false, tls: { insecure: true } });
  });

  it.each([
    ['{', 'it is not JSON'],
    [{ registries: { 'q.io': { mirror: [] } } }, 'registries["q.io"]: '],
    [{ registries: { 'q.io': { mirrors: ['a b'] } } }, 'registries["q.io"].mirrors[0]: is no host and no URL'],
    [{ registries: { 'q.io': { http: 'yes' } } }, 'registries["q.io"].http: '],
    [{ registries: { 'q.io': { ca: 'missing.pem' } } }, 'registries["q.io"].ca: ENOENT'],
    [{ registries: { 'q.io': { proxy: 'ftp://x' } } }, 'registries["q.io"].proxy'],
  ])('refuses %j, naming the field', async (value, message) => {
    await expect(load(value)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BOX_CONFIG_INVALID', message: expect.stringContaining(message) }),
    );
  });

  it('takes a missing file for an empty one, unless it was named', async () => {
    expect(await loadConfig({ HOME: '/nonexistent' })).toEqual({ registries: {} });
    await expect(loadConfig({ BOX_CONFIG: '/nonexistent/config.json' })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BOX_CONFIG_INVALID' }),
    );
  });
});
