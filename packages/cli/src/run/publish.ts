import { isIP } from 'node:net';
import type { PublishedPort } from '@boxkit/contracts';
import { wrong } from './values.ts';

const wanted = '[ADDRESS:]HOSTPORT[-LAST]:PORT[-LAST][/tcp|udp]';

/** `-p 127.0.0.1:8080:80`, `8000-8009:9000-9009/udp`, `[::1]:80:80`, as docker has them but for random host ports. */
export function parsePublish(text: string): PublishedPort {
  const [, address, host = '', container = '', protocol] =
    /^(?:(\[[^\]]*\]|[^:]*):)?(\d+(?:-\d+)?):(\d+(?:-\d+)?)(?:\/(tcp|udp))?$/i.exec(text) ?? [];
  const bare = address?.replace(/^\[(.*)\]$/, '$1');
  const [hostRange, containerRange] = [parseRange(host), parseRange(container)];
  if (hostRange === undefined || containerRange?.count !== hostRange.count) throw wrong('--publish', text, wanted);
  if (bare !== undefined && isIP(bare) !== (address === bare ? 4 : 6)) {
    throw wrong('--publish', text, `${wanted}, with the address as a number`);
  }
  return {
    ...(bare === undefined ? {} : { address: bare }),
    hostPort: hostRange.first,
    containerPort: containerRange.first,
    ...(hostRange.count === 1 ? {} : { count: hostRange.count }),
    protocol: protocol?.toLowerCase() === 'udp' ? 'udp' : 'tcp',
  };
}

function parseRange(text: string): { readonly first: number; readonly count: number } | undefined {
  const [first = Number.NaN, last = first] = text.split('-').map(Number);
  return first >= 1 && last >= first && last <= 65_535 ? { first, count: last - first + 1 } : undefined;
}
