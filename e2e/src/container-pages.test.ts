import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  buildImage,
  buildLayer,
  findTool,
  freePort,
  ordinaryUser,
  pushDocument,
  requireRoot,
  requireTool,
  startRegistry,
  tryCommand,
} from '@boxkit/testkit';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { typedLines } from './support/page.ts';

const resources = new AsyncDisposableStack();
/** The pages' names of images come from here by way of a mirror, and from nowhere else. */
let mirror = '';
/** Of a web server on this machine. */
let served = 0;

beforeAll(async () => {
  if (findTool('docker-registry') === undefined) return;
  const registry = resources.use(await startRegistry());
  mirror = registry.host;
  const layer = buildLayer(await files());
  const server = 'trap "exit 0" TERM; trap : WINCH; while :; do sleep 0.05; done';
  const commands = { alpine: ['/bin/sh'], nginx: ['/bin/sh', '-c', server] };
  for (const [name, Cmd] of Object.entries(commands))
    await pushDocument(registry, `library/${name}`, buildImage({ layers: [layer], config: { Cmd } }), 'latest');
  const web = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(web, 'listening');
  served = (web.address() as AddressInfo).port;
  resources.defer(() => void web.close());
});
afterAll(() => resources.disposeAsync());

const pages = ['quick-start', 'running', 'networks', 'limits', 'volumes', 'containers'];

describe.each(['root', 'an ordinary user'])('as %s', (who) => {
  test.for(pages)('each line of %s.md does what the page says', { timeout: 280_000 }, async (page, context) => {
    requireRoot(context);
    requireTool(context, 'docker-registry', 'busybox', 'jq', 'pasta');
    await using user = await ordinaryUser(who === 'root' ? 0 : undefined);
    const cwd = join(user.home, 'work');
    await tryCommand('mkdir', [cwd], { uid: user.uid, gid: user.gid });
    const elsewhere = { mirrors: [mirror], proxy: 'http://127.0.0.1:9' };
    const config = join(user.home, '../config.json');
    await writeFile(config, JSON.stringify({ registries: { 'docker.io': elsewhere } }));
    await chmod(config, 0o644);
    const port = String(await freePort());
    const env = {
      PATH: `${join(inject('e2e').packedBox, '..')}:${process.env['PATH'] ?? ''}`,
      BOX_CONFIG: config,
      BOX_HOME: join(user.home, 'store'),
    };
    for (const line of await typedLines(`docs/guide/${page}.md`)) {
      // no systemd runs where tests do
      if (line.includes('systemd-run')) continue;
      const typed = line
        .replaceAll('8080', port)
        .replaceAll('8000', String(served))
        .replaceAll('/dev/fuse', '/dev/full');
      const ending = typed
        .replace(/ -it | -ai /, (flags) => (flags === ' -it ' ? ' -i ' : ' -a -i '))
        .replace('logs -f', 'logs')
        .replace(/^(box run -p \S+ nginx)/, '$1 true');
      const result = await user.attempt('sh', ['-c', ending], { cwd, env, input: 'exit\n', timeout: 120_000 });
      const code = Number(/# status (\d+)/.exec(line)?.[1] ?? 0);
      // what an ordinary user is not given on this machine is refused, and told so
      if (who !== 'root' && /^ {2}code: ERR_BOX_NOT_ENFORCEABLE$/m.test(result.stderr)) continue;
      expect({ line, code: result.code, stderr: result.code === code ? '' : result.stderr }).toEqual({
        line,
        code,
        stderr: '',
      });
    }
    await user.attempt('sh', ['-c', 'box rm -f $(box ps -aq)'], { cwd, env });
  });
});

/** A small root file system: busybox, and what the pages read. */
async function files(): Promise<Parameters<typeof buildLayer>[0]> {
  const applets = ['sh', 'cat', 'df', 'env', 'hostname', 'id', 'ip', 'ls', 'ps', 'sleep', 'touch', 'true', 'wget'];
  return [
    { path: 'bin/', type: 'directory' },
    { path: 'bin/busybox', content: await readFile(findTool('busybox') ?? ''), mode: 0o755 },
    ...applets.map((name) => ({ path: `bin/${name}`, type: 'symlink', link: 'busybox' }) as const),
    { path: 'etc/os-release', content: 'NAME=small\n' },
    { path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' },
    { path: 'etc/group', content: 'root:x:0:\n' },
    { path: 'etc/nginx/nginx.conf', content: 'events {}\n' },
    { path: 'srv/', type: 'directory' },
    { path: 'tmp/', type: 'directory', mode: 0o1777 },
  ];
}
