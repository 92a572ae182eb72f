import type { PublishedPort } from '@boxkit/contracts';

/** `0.0.0.0:8080->80/tcp`, as docker has it. */
export function formatPort(port: PublishedPort): string {
  return `${hostSide(port)}->${containerSide(port)}`;
}

/** `127.0.0.1:8080`, `[::1]:8000-8009`; no address means all. */
export function hostSide({ address = '0.0.0.0', hostPort, count = 1 }: PublishedPort): string {
  return `${address.includes(':') ? `[${address}]` : address}:${range(hostPort, count)}`;
}

/** `80/tcp`, `9000-9009/udp`. */
export function containerSide({ containerPort, count = 1, protocol = 'tcp' }: PublishedPort): string {
  return `${range(containerPort, count)}/${protocol}`;
}

function range(first: number, count: number): string {
  return count === 1 ? String(first) : `${first}-${first + count - 1}`;
}
