import { isIP } from 'node:net';
import {
  BoxError,
  type NetworkMode,
  type PublishedPort,
  type RunOptions,
  type UserModeNetwork,
} from '@boxkit/contracts';
import { findNetworkTool, networkObstacle, udpObstacle } from '@boxkit/linux';

/** The network asked for. Throws ERR_BOX_USAGE for ports of a container that has none of its own to publish. */
export function networkMode({ network, publish = [] }: RunOptions): NetworkMode {
  if (publish.length === 0) return network ?? 'host';
  if (network === undefined || network === 'private') return 'private';
  throw new BoxError('ERR_BOX_USAGE', `cannot publish ports of a container with the network ${network}`, {
    hint:
      network === 'host'
        ? "It has the host's ports already: leave the publishing out, or choose the network private."
        : 'Choose the network private.',
  });
}

/**
 * A private network with the tool of this machine. Throws ERR_BOX_NOT_ENFORCEABLE without one and for ports that it
 * would lose answers of, ERR_BOX_USAGE for a port that is none.
 */
export function userNetwork({ publish = [] }: RunOptions): UserModeNetwork {
  publish.forEach(checkPort);
  const obstacle = networkObstacle();
  const found = findNetworkTool();
  if (obstacle !== undefined || found === undefined) throw notEnforceable('cannot make a private network', obstacle);
  const network: UserModeNetwork = { kind: 'user-mode', ...found, ports: publish };
  const lost = udpObstacle(network);
  if (lost !== undefined) throw notEnforceable('cannot publish as asked', lost);
  return network;
}

function notEnforceable(what: string, obstacle: ReturnType<typeof networkObstacle>): BoxError {
  const { reason = 'there is no tool', hint } = obstacle ?? {};
  return new BoxError('ERR_BOX_NOT_ENFORCEABLE', `${what}: ${reason}`, hint === undefined ? {} : { hint });
}

function checkPort(port: PublishedPort): void {
  const { address, hostPort, containerPort, count = 1 } = port;
  const isPort = (number: number): boolean => Number.isInteger(number) && number >= 1 && number <= 65_535;
  const ends = [hostPort, containerPort, hostPort + count - 1, containerPort + count - 1];
  if (count < 1 || !ends.every(isPort) || (address !== undefined && isIP(address) === 0)) {
    throw new BoxError('ERR_BOX_USAGE', `cannot publish ${JSON.stringify(port)}: there are no such ports`, {
      hint: 'A port is a number from 1 to 65535, an address a number too: 127.0.0.1 or ::1.',
    });
  }
}
