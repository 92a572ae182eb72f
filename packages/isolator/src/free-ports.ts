import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { BoxError, type PublishedPort } from '@boxkit/contracts';

/**
 * Gives each published port that asks for any, or for one of several, one that is free now; all others are left as they
 * are. Nothing holds it until the container starts. Throws ERR_BOX_NETWORK_FAILED when none is.
 */
export async function settlePorts(publish: readonly PublishedPort[]): Promise<readonly PublishedPort[]> {
  const settled: PublishedPort[] = [];
  for (const port of publish) {
    if (port.hostPort === 0) settled.push(...(await anyPorts(port)));
    else if (port.lastHostPort === undefined) settled.push(port);
    else settled.push(await firstFree(port));
  }
  return settled;
}

/** One for each of the container's, in no order, as docker has it. */
async function anyPorts(port: PublishedPort): Promise<readonly PublishedPort[]> {
  const { count = 1, containerPort, ...others } = port;
  const found: PublishedPort[] = [];
  while (found.length < count) {
    // An older pasta loses the answers to UDP where the two numbers differ.
    const same = port.protocol === 'udp' ? await tryPort(port, containerPort + found.length) : undefined;
    const hostPort = same ?? (await tryPort(port, 0));
    if (hostPort === undefined) throw noneFree(port);
    if (found.some((one) => one.hostPort === hostPort)) continue;
    found.push({ ...others, hostPort, containerPort: containerPort + found.length });
  }
  return found;
}

async function firstFree({ lastHostPort = 0, ...port }: PublishedPort): Promise<PublishedPort> {
  for (let hostPort = port.hostPort; hostPort <= lastHostPort; hostPort++) {
    if ((await tryPort(port, hostPort)) !== undefined) return { ...port, hostPort };
  }
  throw noneFree(port);
}

/** The port, or any for 0, when it can be listened at; undefined when not. */
async function tryPort({ address, protocol }: PublishedPort, hostPort: number): Promise<number | undefined> {
  try {
    return await (protocol === 'udp' ? tryUdp(address, hostPort) : tryTcp(address, hostPort));
  } catch {
    // taken, or below what this user may have
    return undefined;
  }
}

async function tryTcp(host: string | undefined, port: number): Promise<number> {
  const server = createServer();
  server.listen({ port, ...(host === undefined ? {} : { host }) });
  await once(server, 'listening');
  const found = portOf(server.address());
  server.close();
  await once(server, 'close');
  return found;
}

async function tryUdp(address: string | undefined, port: number): Promise<number> {
  const socket = createSocket(address?.includes(':') === true ? 'udp6' : 'udp4');
  try {
    socket.bind({ port, ...(address === undefined ? {} : { address }) });
    await once(socket, 'listening');
    return portOf(socket.address());
  } finally {
    socket.close();
  }
}

function portOf(address: string | { readonly port: number } | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function noneFree({ address = 'any address', containerPort, protocol = 'tcp' }: PublishedPort): BoxError {
  return new BoxError(
    'ERR_BOX_NETWORK_FAILED',
    `cannot publish the port ${containerPort}/${protocol}: no port of the host's is free at ${address}`,
    { hint: 'Look at what listens (ss -ltun), or name another port or address.' },
  );
}
