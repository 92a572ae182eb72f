import { BlockList, isIP } from 'node:net';
import { BoxError } from '@boxkit/contracts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for a URL, or undefined. As Go's x/net/http/httpproxy has it, and so docker and
 * skopeo: HTTPS_PROXY for https, HTTP_PROXY for http (either case), NO_PROXY with names, .suffixes, addresses, CIDR
 * ranges and ports; this machine itself is never reached through a proxy.
 */
export function environmentProxy(url: URL, env: Environment): URL | undefined {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = env[name] || env[name.toLowerCase()];
  if (value === undefined || value === '') return undefined;
  if (isLoopback(url.hostname) || isExcluded(url, env['NO_PROXY'] || env['no_proxy'] || '')) return undefined;
  return parseProxy(value, name);
}

/** Parses `http://[user:password@]host[:port]`, the scheme optional. Throws ERR_BOX_CONFIG_INVALID without the value: it may hold a password. */
export function parseProxy(value: string, origin: string): URL {
  const url = URL.parse(value.includes('://') ? value : `http://${value}`);
  if (url !== null && ['http:', 'https:'].includes(url.protocol) && url.hostname !== '') return url;
  throw new BoxError('ERR_BOX_CONFIG_INVALID', `cannot use the proxy in ${origin}: it is no http:// or https:// URL`, {
    hint: 'Write it as http://host:port, or http://user:password@host:port.',
  });
}

/** Whether a host name (as URL has it, IPv6 in brackets) is this machine. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    (isIP(host) === 4 && host.startsWith('127.'))
  );
}

function isExcluded(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && excludes(entry, host, port));
}

function excludes(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return inRange(entry, host);
  const { name, port: only } = splitPort(entry);
  if (only !== undefined && only !== port) return false;
  if (isIP(name) !== 0) return name === host;
  if (name.startsWith('*.')) return host.endsWith(name.slice(1));
  return name.startsWith('.') ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
}

function splitPort(entry: string): { name: string; port?: string } {
  const bracketed = /^\[(.+)\](?::(\d+))?$/.exec(entry);
  const plain = bracketed ?? /^([^:]+):(\d+)$/.exec(entry);
  if (plain?.[1] === undefined) return { name: entry };
  return plain[2] === undefined ? { name: plain[1] } : { name: plain[1], port: plain[2] };
}

function inRange(entry: string, host: string): boolean {
  const [network = '', prefix = ''] = entry.split('/');
  const family = isIP(network);
  if (family === 0 || isIP(host) === 0 || !/^\d{1,3}$/.test(prefix)) return false;
  const type = family === 6 ? 'ipv6' : 'ipv4';
  if (Number(prefix) > (family === 6 ? 128 : 32)) return false;
  const range = new BlockList();
  range.addSubnet(network, Number(prefix), type);
  return range.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}
