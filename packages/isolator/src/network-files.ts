import { readFileSync } from 'node:fs';
import type { NetworkMode, RunOptions } from '@boxkit/contracts';

/** The container's /etc/hosts. hosts(5). */
export function hostsFile({ addHosts = [] }: RunOptions, hostname: string): string {
  const lines = [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    `127.0.1.1\t${hostname}`,
    ...addHosts.map(({ host, address }) => `${address}\t${host}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** The container's /etc/resolv.conf: the servers asked for, else the host's; undefined without a network. resolv.conf(5). */
export function resolvConfFile({ dns = [] }: RunOptions, network: NetworkMode): string | undefined {
  if (dns.length > 0) return `${dns.map((server) => `nameserver ${server}`).join('\n')}\n`;
  if (network === 'none') return undefined;
  try {
    return readFileSync('/etc/resolv.conf', 'utf8');
  } catch {
    // a host without one resolves no names, and so does its container
    return undefined;
  }
}
