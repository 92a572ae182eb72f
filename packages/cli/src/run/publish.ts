import { isIP } from 'node:net';
import type { PublishedPort } from '@boxkit/contracts';
import { wrong } from './values.ts';

const wanted = '[[ADDRESS:][HOSTPORT[-LAST]]:]PORT[-LAST][/tcp|udp]';

/**
 * `-p 127.0.0.1:8080:80`, `8000-8009:9000-9009/udp`, `[::1]:80:80`, as docker has them; `80` and `127.0.0.1::80` for any
 * port of the host's, `8000-8009:80` for one of these.
 */
export function parsePublish(text: string): PublishedPort {
  const [, address, host = '', container = '', protocol] =
    /^(?:(?:(\[[^\]]*\]|[^:]*):)?(\d+(?:-\d+)?)?:)?(\d+(?:-\d+)?)(?:\/(tcp|udp))?$/i.exec(text) ?? [];
  const bare = address?.replace(/^\[(.*)\]$/, '$1');
  const [hostRange, containerRange] = [host === '' || host === '0' ? anyPort : parseRange(host), parseRange(container)];
  if (hostRange === undefined || containerRange === undefined) throw wrong('--publish', text, wanted);
  const isChoice = containerRange.count === 1 && hostRange.count > 1;
  if (hostRange !== anyPort && !isChoice && hostRange.count !== containerRange.count) {
    throw wrong('--publish', text, `${wanted}, with as many ports on either side`);
  }
  if (bare !== undefined && isIP(bare) !== (address === bare ? 4 : 6)) {
    throw wrong('--publish', text, `${wanted}, with the address as a number`);
  }
  return {
    ...(bare === undefined ? {} : { address: bare }),
    hostPort: hostRange.first,
    containerPort: containerRange.first,
    ...(isChoice ? { lastHostPort: hostRange.first + hostRange.count - 1 } : {}),
    ...(containerRange.count === 1 ? {} : { count: containerRange.count }),
    protocol: protocol?.toLowerCase() === 'udp' ? 'udp' : 'tcp',
  };
}

/** Any that is free. */
const anyPort = { first: 0, count: 1 };

function parseRange(text: string): { readonly first: number; readonly count: number } | undefined {
  const [first = Number.NaN, last = first] = text.split('-').map(Number);
  return first >= 1 && last >= first && last <= 65_535 ? { first, count: last - first + 1 } : undefined;
}
