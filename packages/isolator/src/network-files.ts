import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { BoxError, type NetworkMode, type RunOptions } from '@boxkit/contracts';

/** The container's /etc/hosts. hosts(5). */
export function hostsFile({ addHosts = [] }: RunOptions, hostname: string, network: NetworkMode = 'host'): string {
  const lines = [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    `127.0.1.1\t${hostname}`,
    ...addHosts.map(({ host, address }) => `${addressOf(host, address, network)}\t${host}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** `host-gateway` is docker's word for where this machine is reached. Throws ERR_BOX_USAGE. */
function addressOf(host: string, address: string, network: NetworkMode): string {
  if (isIP(address) !== 0) return address;
  const refused = `cannot add the host ${JSON.stringify(host)} as ${JSON.stringify(address)}`;
  if (address !== 'host-gateway') throw new BoxError('ERR_BOX_USAGE', `${refused}: it is no address`);
  if (network === 'host') return '127.0.0.1';
  throw new BoxError('ERR_BOX_USAGE', `${refused}: nothing leads to this machine from the network ${network}`, {
    hint: 'Use the network host, or an address that you know to be reachable.',
  });
}

/**
 * The container's /etc/resolv.conf: the servers asked for, else the host's; undefined without a network. A private
 * network's own server, `forwarder`, stands for the host's, which may listen on its loopback device. resolv.conf(5).
 */
export function resolvConfFile({ dns = [] }: RunOptions, network: NetworkMode, forwarder?: string): string | undefined {
  if (dns.length > 0) return `${dns.map((server) => `nameserver ${server}`).join('\n')}\n`;
  if (network === 'none') return undefined;
  try {
    const own = readFileSync('/etc/resolv.conf', 'utf8');
    return forwarder === undefined ? own : forwardTo(forwarder, own);
  } catch {
    // a host without one resolves no names, and so does its container
    return forwarder === undefined ? undefined : forwardTo(forwarder, '');
  }
}

/** Keeps the search list and the options. */
function forwardTo(server: string, own: string): string {
  const others = own.split('\n').filter((line) => /^(?:search|domain|options)\s/.test(line));
  return [`nameserver ${server}`, ...others, ''].join('\n');
}
