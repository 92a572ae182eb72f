import { expect, test } from 'vitest';
import { startRegistry } from './registry.ts';

test.for(['none', 'htpasswd', 'token', 'token-anonymous'] as const)(
  'a registry with auth %s asks for what it says',
  async (auth) => {
    await using registry = await startRegistry({ auth });
    const response = await fetch(`${registry.url}/v2/`);
    expect(response.status).toBe(auth === 'none' ? 200 : 401);
    const scheme = response.headers.get('www-authenticate')?.split(' ')[0];
    expect(scheme).toBe({ none: undefined, htpasswd: 'Basic', token: 'Bearer', 'token-anonymous': 'Bearer' }[auth]);
    expect(await registry.requests()).toMatchObject([{ method: 'GET', path: '/v2/', status: response.status }]);
  },
);

test('a registry ends with its disposal', async () => {
  const registry = await startRegistry();
  await registry[Symbol.asyncDispose]();
  await expect(fetch(registry.url)).rejects.toThrow('fetch failed');
});
