import { execFileSync } from 'node:child_process';
import type { PublishedPort, UserModeNetwork } from '@boxkit/contracts';
import { hostEnvironment } from '../stub/plan.ts';

/**
 * The date of the release in which pasta's UDP was written anew, as a number. That older ones lose answers is measured with
 * one of 2023-03-09 only; which release between was the first that does not is not known to us, so all are refused.
 */
const pastaWithFlows = 20_240_726;

/**
 * Why datagrams would reach the container and its answers would be lost, and what to do; undefined when they are not.
 * Measured with pasta of 2023-03-09 and slirp4netns 1.2.0, see docs/guide/networks.md.
 */
export function udpObstacle({
  tool,
  program,
  ports,
}: UserModeNetwork): { readonly reason: string; readonly hint: string } | undefined {
  const udp = ports.filter(({ protocol }) => protocol === 'udp');
  if (tool === 'slirp4netns') {
    if (!udp.some(isLoopback)) return undefined;
    return {
      reason: "slirp4netns loses the answers to UDP from the host's loopback device",
      hint: 'Install the package passt, or publish at another address.',
    };
  }
  if (udp.every(({ hostPort, containerPort }) => hostPort === containerPort)) return undefined;
  if (pastaDate(program) >= pastaWithFlows) return undefined;
  return {
    reason: 'a pasta as old as this one (before 2024-07-26) loses the answers to UDP where the two ports differ',
    hint: 'Publish the same port on both sides, such as -p 5353:5353/udp, or install a newer passt.',
  };
}

function isLoopback({ address = '' }: PublishedPort): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** Its version is a date, `pasta 2024_07_26.57a21d2` or `pasta 0.0~git20240726.57a21d2`; 0 for one that does not know. */
function pastaDate(program: string): number {
  const text = execFileSync(program, ['--version'], { env: hostEnvironment, encoding: 'utf8', stdio: 'pipe' });
  return Number(/20\d\d_?[01]\d_?[0-3]\d/.exec(text.split('\n')[0] ?? '')?.[0].replaceAll('_', '') ?? 0);
}
