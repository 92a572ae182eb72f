import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import type { RunOptions } from '@boxkit/contracts';
import { findTool, requireRoot, requireTool, temporaryDirectory, type TemporaryDirectory } from '@boxkit/testkit';
import { childrenOf } from '../process-table.ts';
import { ContainerNetwork } from './container-network.ts';

/** Starts a container on the host's own programs, from a process that can be killed. */
const program = `
  const { isolate } = await import('@boxkit/isolator');
  const { launch } = await import('@boxkit/launcher');
  const { grantedIdMap } = await import('@boxkit/linux');
  const { backend, root, home, options } = JSON.parse(process.argv[1]);
  const plugin = await import('@boxkit/plugin-' + backend);
  const context = {
    signal: new AbortController().signal, store: { home }, logger: {}, emit() {}, defer() {},
  };
  const mounts = ['usr', 'bin', 'lib', 'lib64'].map((name) => (
    { type: 'bind', source: '/' + name, target: '/' + name, readOnly: true }));
  const applied = {
    image: { imageConfig: { config: {} } }, rootfs: { kind: 'directory', path: root, idMap: grantedIdMap() },
  };
  try {
    const isolators = [plugin[backend + 'Isolator']()];
    const planned = await isolate({ isolators, isolation: backend, mounts, ...options }).run(applied, context);
    const container = await launch({ stdin: 'ignore' }).run(planned, context);
    const { code } = await container.exit;
    console.log('ended with ' + code);
  } catch (error) {
    console.log(error.code + ' ' + error.message);
  }
`;

interface Request {
  readonly backend?: 'unshare' | 'bubblewrap';
  readonly as?: 'root' | 'user';
  /** Programs that are as good as not installed. */
  readonly without?: readonly string[];
  /** Where no route leads elsewhere. */
  readonly offline?: boolean;
  readonly script: string;
  readonly options?: RunOptions;
}

const serve = 'echo hello > /index.html; exec busybox httpd -f -p 8080 -h /';
const uid = 12_345;

let place: TemporaryDirectory;
const servers: Server[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  place = await temporaryDirectory('network');
  await chmod(place.path, 0o755);
});

afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await place[Symbol.asyncDispose]();
});

/** In a mount namespace, where an ordinary user may open /dev/net/tun, as on most machines, and tools may be hidden. */
async function start({ backend = 'unshare', as = 'root', without = [], offline, script, options }: Request) {
  const base = join(place.path, as);
  const [root, home, device] = [join(base, 'root'), join(base, 'home'), join(base, 'tun')];
  for (const path of [base, root, home, device]) await mkdir(path, { recursive: true });
  const prepare = without.map((path) => `mount --bind /dev/null ${path}; `).join('');
  const become = `mount -t tmpfs none ${device}; mknod -m 666 ${device}/tun c 10 200; mount --bind ${device}/tun /dev/net/tun;`;
  const drop = `exec setpriv --reuid ${uid} --regid ${uid} --clear-groups "$@"`;
  if (as === 'user') for (const path of [base, root, home]) await chown(path, uid, uid);
  const shell = `set -e; ${prepare} ${as === 'user' ? `${become} ${drop}` : 'exec "$@"'}`;
  const request = JSON.stringify({ backend, root, home, options: { args: ['sh', '-c', script], ...options } });
  const node = [process.execPath, '--input-type=module', '-e', program, request];
  const child = spawn('unshare', ['--mount', ...(offline ? ['--net'] : []), 'sh', '-c', shell, 'sh', ...node], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: import.meta.dirname,
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const closed = once(child, 'close');
  return { child, output: () => output, end: () => closed.then(() => output) };
}

async function listen(port = 0): Promise<number> {
  const server = createServer((socket) => socket.end('host')).listen(port, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const port = await listen();
  servers.pop()?.close();
  return port;
}

async function get(port: number): Promise<string> {
  const signal = AbortSignal.timeout(2000);
  const response = await fetch(`http://127.0.0.1:${port}/`, { signal, headers: { connection: 'close' } });
  return response.text();
}

/** The answer to one datagram; empty for none in a while. */
async function exchange(port: number): Promise<string> {
  const socket = createSocket('udp4');
  try {
    socket.send('ping', port, '127.0.0.1');
    const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(300) });
    return String(answer);
  } catch {
    // nobody listens yet
    return '';
  } finally {
    socket.close();
  }
}

function descendants(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}

function alive(pids: readonly number[]): readonly number[] {
  return pids.filter((pid) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  });
}

async function vanish(pids: readonly number[]): Promise<readonly number[]> {
  for (let round = 0; round < 1000 && alive(pids).length > 0; round++) await delay(20);
  return alive(pids);
}

function needs(context: TestContext): void {
  requireRoot(context);
  requireTool(context, 'pasta', 'slirp4netns', 'busybox', 'perl', 'bwrap', 'unshare', 'setpriv');
}

const publish = (port: number) => [{ address: '127.0.0.1', hostPort: port, containerPort: 8080 }];
const pasta = findTool('pasta') ?? '';
const slirp = findTool('slirp4netns') ?? '';

describe('a private network', { timeout: 60_000 }, () => {
  it.for([
    ['pasta', 'unshare', 'root', []],
    ['pasta', 'unshare', 'user', []],
    ['pasta', 'bubblewrap', 'root', []],
    ['pasta', 'bubblewrap', 'user', []],
    ['slirp4netns', 'unshare', 'root', [pasta]],
    ['slirp4netns', 'bubblewrap', 'user', [pasta]],
  ] as const)(
    'by %s leads a published port to a server inside with %s as %s, and nothing outlives kill -9',
    async ([_tool, backend, as, without], context) => {
      needs(context);
      const port = await freePort();
      const { child } = await start({ backend, as, without, script: serve, options: { publish: publish(port) } });
      await expect.poll(() => get(port).catch(() => '')).toBe('hello\n');
      const started = descendants(child.pid ?? -1);
      expect(started.length).toBeGreaterThan(3);
      child.kill('SIGKILL');
      expect(await vanish(started)).toEqual([]);
      expect(await get(port).catch(() => 'refused')).toBe('refused');
    },
  );

  it.for([
    ['pasta', []],
    ['slirp4netns', [pasta]],
  ] as const)('by %s is gone when the container has ended, with the port free again', async ([, without], context) => {
    needs(context);
    const port = await freePort();
    const running = await start({ without, script: 'sleep 1', options: { publish: publish(port) } });
    await expect.poll(() => descendants(running.child.pid ?? -1).length).toBeGreaterThan(4);
    const started = descendants(running.child.pid ?? -1);
    expect(await running.end()).toBe('ended with 0\n');
    expect(alive(started)).toEqual([]);
    expect(await listen(port)).toBe(port);
  });

  it('loses its tool with the guardian, whichever of the two processes is killed', async (context) => {
    needs(context);
    for (const depth of [0, 1]) {
      const port = await freePort();
      const { child } = await start({ script: serve, options: { publish: publish(port) } });
      await expect.poll(() => get(port).catch(() => '')).toBe('hello\n');
      const guardian = childrenOf(child.pid ?? -1).find((pid) => descendants(pid).length === 2 && isTool(pid)) ?? -1;
      const processes = [guardian, ...descendants(guardian)];
      process.kill(processes[depth] ?? -1, 'SIGKILL');
      expect(await vanish(processes.slice(depth + 1))).toEqual([]);
      child.kill('SIGKILL');
    }
  });

  it.for([
    ['pasta', []],
    ['slirp4netns', [pasta]],
  ] as const)("by %s does not reach the host's loopback device", async ([tool, without], context) => {
    needs(context);
    const port = await listen();
    // slirp4netns answers for the host at this address unless told not to
    const addresses = tool === 'pasta' ? ['127.0.0.1', '[::1]'] : ['127.0.0.1', '10.0.2.2'];
    const tries = addresses.map(
      (address) => `busybox timeout 3 busybox wget -qO- http://${address}:${port}/ || echo no;`,
    );
    const { end } = await start({ without, script: tries.join(' '), options: { network: 'private' } });
    expect((await end()).replaceAll(/^wget.*\n/gm, '')).toBe('no\nno\nended with 0\n');
  });

  it("does not see the host's abstract sockets", async (context) => {
    needs(context);
    const name = `box-network-${process.pid}`;
    const server = createServer().listen(`\0${name}`);
    servers.push(server);
    await once(server, 'listening');
    const look = `grep -c @${name} /proc/net/unix; true`;
    const own = await start({ script: look, options: { network: 'private' } });
    expect(await own.end()).toBe('0\nended with 0\n');
    const shared = await start({ script: look, options: { network: 'host' } });
    expect(await shared.end()).toMatch(/^[1-9]\d*\nended with 0\n$/);
  });

  it('has the name server of its tool, and the ones asked for instead', async (context) => {
    needs(context);
    const script = 'grep ^nameserver /etc/resolv.conf';
    const byPasta = await start({ script, options: { network: 'private' } });
    expect(await byPasta.end()).toBe('nameserver 169.254.1.1\nended with 0\n');
    const bySlirp = await start({ script, without: [pasta], options: { network: 'private' } });
    expect(await bySlirp.end()).toBe('nameserver 10.0.2.3\nended with 0\n');
    const asked = await start({ script, options: { network: 'private', dns: ['192.0.2.53'] } });
    expect(await asked.end()).toBe('nameserver 192.0.2.53\nended with 0\n');
  });

  it.for([
    ['pasta', []],
    ['slirp4netns', [pasta]],
  ] as const)('by %s is an error when a port is taken, and nothing is started', async ([tool, without], context) => {
    needs(context);
    const port = await listen();
    const { end } = await start({ without, script: 'echo started', options: { publish: publish(port) } });
    const output = await end();
    expect(output).toMatch(new RegExp(`^ERR_BOX_NETWORK_FAILED .*with ${tool}: .*${port}`));
    expect(output).not.toContain('started\n');
  });

  it('leads a published UDP port inside and the answer back', async (context) => {
    needs(context);
    const port = await freePort();
    const serveUdp = `$s = IO::Socket::INET->new(LocalPort => ${port}, Proto => "udp"); $s->send("pong") while $s->recv($d, 9)`;
    const udp = { address: '127.0.0.1', hostPort: port, containerPort: port, protocol: 'udp' } as const;
    await start({ script: `exec perl -MIO::Socket::INET -e '${serveUdp}'`, options: { publish: [udp] } });
    await expect.poll(() => exchange(port)).toBe('pong');
  });

  it('refuses UDP ports of which the tool would lose the answers', async (context) => {
    needs(context);
    const udp = { address: '127.0.0.1', hostPort: 18_080, containerPort: 18_080, protocol: 'udp' } as const;
    const { end } = await start({ without: [pasta], script: 'true', options: { publish: [udp] } });
    expect(await end()).toMatch(/^ERR_BOX_NOT_ENFORCEABLE .*slirp4netns loses the answers/);
  });

  it('is by slirp4netns where no route leads elsewhere, which pasta does not start without', async (context) => {
    needs(context);
    const script = 'busybox ip -o link | busybox cut -d: -f2';
    const bySlirp = await start({ offline: true, script, options: { network: 'private' } });
    expect(await bySlirp.end()).toBe(' lo\n tap0\nended with 0\n');
    const byPasta = await start({ offline: true, without: [slirp], script, options: { network: 'private' } });
    expect(await byPasta.end()).toMatch(/^ERR_BOX_NETWORK_FAILED .*with pasta: .*routable interface/);
  });

  it('is an error that names the packages when no tool is installed', async (context) => {
    needs(context);
    const { end } = await start({ without: [pasta, slirp], script: 'true', options: { network: 'private' } });
    expect(await end()).toMatch(/^ERR_BOX_NOT_ENFORCEABLE .*package passt.*package slirp4netns/);
  });
});

it('of a backend that does not wait for it is a defect, and no container without a network', async () => {
  const reports = {
    ready: Promise.resolve(true),
    executed: Promise.resolve(false),
    waiting: Promise.resolve(false),
    answer: () => {},
    all: Promise.resolve([]),
  };
  const tool = { kind: 'user-mode', tool: 'pasta', program: '/bin/false', dns: '169.254.1.1', ports: [] } as const;
  await using network = new ContainerNetwork(tool, { pid: process.pid, reports, home: '/', directory: '/' });
  await expect(network.connected).rejects.toMatchObject({ code: 'ERR_BOX_INTERNAL' });
});

describe.each(['unshare', 'bubblewrap'] as const)('the network none of %s', (backend) => {
  it('has the loopback device only, and that works', { timeout: 60_000 }, async (context) => {
    needs(context);
    const script = 'busybox ip -o link | busybox cut -d: -f2; busybox ping -c1 -w2 127.0.0.1 >/dev/null && echo up';
    const { end } = await start({ backend, script, options: { network: 'none' } });
    expect(await end()).toBe(' lo\nup\nended with 0\n');
  });
});

function isTool(pid: number): boolean {
  return descendants(pid).every((child) => child > 0) && childrenOf(childrenOf(pid)[0] ?? -1).length === 1;
}
