import { readFileSync } from 'node:fs';

/** Whether this network namespace has a route to everywhere, by IPv4 or IPv6. */
export function hasDefaultRoute(): boolean {
  return isDefaultIn('/proc/self/net/route', 4) || isDefaultIn('/proc/self/net/ipv6_route', 6);
}

/** proc_net(5). IPv4: interface, destination, gateway, ..., mask in the eighth place. IPv6: destination and its length first, interface last. */
function isDefaultIn(path: string, version: 4 | 6): boolean {
  return lines(path).some((line) => {
    const fields = line.trim().split(/\s+/);
    if (version === 4) return isZero(fields[1]) && isZero(fields[7]);
    // what nothing else leads to, the kernel refuses by a default route of its own, through lo
    return isZero(fields[0]) && isZero(fields[1]) && fields.at(-1) !== 'lo';
  });
}

function isZero(hex: string | undefined): boolean {
  return hex !== undefined && /^0+$/.test(hex);
}

function lines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    // a kernel without the protocol
    return [];
  }
}
