import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { PublishedPort } from '@boxkit/contracts';

/** Tells slirp4netns, which listens at `control`, what to publish. slirp4netns(1), API SOCKET. */
export async function publishPorts(control: string, ports: readonly PublishedPort[]): Promise<void> {
  for (const { address = '0.0.0.0', hostPort, containerPort, count = 1, protocol = 'tcp' } of ports) {
    for (let at = 0; at < count; at++) {
      const host = { host_addr: address, host_port: hostPort + at };
      const answer = await ask(control, {
        execute: 'add_hostfwd',
        arguments: { proto: protocol, ...host, guest_port: containerPort + at },
      });
      if (answer.error !== undefined) {
        throw new Error(`${address}:${hostPort + at}/${protocol}: ${JSON.stringify(answer.error)}`);
      }
    }
  }
}

async function ask(control: string, request: object): Promise<{ readonly error?: unknown }> {
  const socket = connect({ path: control, allowHalfOpen: true });
  socket.end(JSON.stringify(request));
  const answer: unknown = JSON.parse(await text(socket));
  return typeof answer === 'object' && answer !== null ? answer : { error: answer };
}
