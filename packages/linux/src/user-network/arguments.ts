import type { PublishedPort, UserModeNetwork } from '@boxkit/contracts';

/** The network namespace, as the tool opens it. */
const namespace = '/proc/self/fd/0';
/** The descriptors that the tools tell their readiness on. pasta may close those above 2; slirp4netns talks on 1. */
export const readiness = { pasta: 1, slirp4netns: 3 } as const;

/**
 * The command line of a network's tool, for a process that has the namespace as descriptor 0, and is
 * root of the user namespace that owns the former. `control` is where slirp4netns makes its socket. Neither lets the
 * container reach what listens on the host's loopback device only.
 */
export function networkArguments(network: UserModeNetwork, control = '…'): readonly [string, ...string[]] {
  return network.tool === 'pasta' ? pastaArguments(network) : slirpArguments(network, control);
}

/** pasta(1). */
function pastaArguments({ program, dns, ports }: UserModeNetwork): readonly [string, ...string[]] {
  return [
    program,
    ...['--quiet', '--foreground', '--config-net'],
    // without it pasta becomes `nobody`, which may not enter the namespace
    ...['--runas', '0:0'],
    ...['--no-map-gw', '--dns-forward', dns],
    // nothing is forwarded that nobody has asked for: pasta's default is what listens
    ...publish('--tcp-ports', ports, 'tcp'),
    ...publish('--udp-ports', ports, 'udp'),
    ...['--tcp-ns', 'none', '--udp-ns', 'none'],
    ...['--pid', `/proc/self/fd/${readiness.pasta}`, '--netns-only', '--netns', namespace],
  ];
}

function publish(option: string, ports: readonly PublishedPort[], wanted: 'tcp' | 'udp'): readonly string[] {
  const chosen = ports.filter(({ protocol = 'tcp' }) => protocol === wanted);
  if (chosen.length === 0) return [option, 'none'];
  return chosen.flatMap(({ address, hostPort, containerPort, count = 1 }) => {
    const prefix = address === undefined ? '' : `${address}/`;
    return [option, `${prefix}${portRange(hostPort, count)}:${portRange(containerPort, count)}`];
  });
}

function portRange(first: number, count: number): string {
  return count === 1 ? String(first) : `${first}-${first + count - 1}`;
}

/** slirp4netns(1). */
function slirpArguments({ program, ports }: UserModeNetwork, control: string): readonly [string, ...string[]] {
  return [
    program,
    ...['--configure', '--mtu=65520', '--disable-host-loopback', `--ready-fd=${readiness.slirp4netns}`],
    ...(ports.length === 0 ? [] : [`--api-socket=${control}`]),
    ...['--netns-type=path', namespace, 'tap0'],
  ];
}
