import { createServer } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { it } from 'vitest';
import { createTransport } from './transport.ts';
it('x', async () => {
  const bytes = Buffer.alloc(9_000_001, 'a');
  const server = createServer((_q, r) => { r.setHeader('content-length', bytes.length); r.end(bytes); });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const t = createTransport({ idleTimeout: 1000 });
  const r = await t.send({ method: 'GET', url: new URL(`http://127.0.0.1:${(server.address() as any).port}/`), headers: {}, signal: new AbortController().signal });
  let n = 0;
  try { for await (const c of r.body) { n += c.length; console.log(c.length, n); await sleep(30); } } finally { console.log(n, 'of', bytes.length); server.close(); server.closeAllConnections(); }
});
