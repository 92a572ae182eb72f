import { createServer } from 'node:net';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { settlePorts } from './free-ports.ts';

it('leaves ports alone that are named', async () => {
  const publish = [{ hostPort: 8080, containerPort: 80, count: 3 }];
  expect(await settlePorts(publish)).toEqual(publish);
});

it.each(['tcp', 'udp'] as const)('finds a free %s port for each that may be any', async (protocol) => {
  const asked = { address: '127.0.0.1', hostPort: 0, containerPort: 90, count: 3, protocol };
  const settled = await settlePorts([asked]);
  expect(settled.map(({ containerPort }) => containerPort)).toEqual([90, 91, 92]);
  expect(new Set(settled.map(({ hostPort }) => hostPort)).size).toBe(3);
  for (const one of settled) expect(one).toMatchObject({ address: '127.0.0.1', protocol });
  for (const { hostPort } of settled) expect(hostPort).toBeGreaterThan(0);
});

it('takes the first of several that nobody listens at, and says so when there is none', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: hostPort } = server.address() as { readonly port: number };
  const asked = { address: '127.0.0.1', hostPort, containerPort: 80 };
  const [found] = await settlePorts([{ ...asked, lastHostPort: Math.min(hostPort + 50, 65_535) }]);
  expect(found?.hostPort).toBeGreaterThan(hostPort);
  expect(found).not.toHaveProperty('lastHostPort');
  await expect(settlePorts([{ ...asked, lastHostPort: hostPort }])).rejects.toMatchObject({
    code: 'ERR_BOX_NETWORK_FAILED',
  });
  server.close();
});
