import { accessSync, constants, existsSync } from 'node:fs';
import type { UserModeNetwork } from '@boxkit/contracts';
import { findProgram } from '../stub/find-program.ts';
import { hasDefaultRoute } from './default-route.ts';

export type NetworkTool = Pick<UserModeNetwork, 'tool' | 'program' | 'dns'>;

const tunDevice = '/dev/net/tun';

/** In order of preference. slirp4netns answers DNS at this address of its own network; to pasta any is as good. */
const tools = [
  { tool: 'pasta', dns: '169.254.1.1' },
  { tool: 'slirp4netns', dns: '10.0.2.3' },
] as const;

/**
 * The user-mode network tool that is installed here; undefined for none. pasta does not start where no route leads
 * elsewhere, so there it comes last.
 */
export function findNetworkTool(path?: string): NetworkTool | undefined {
  const found = tools.flatMap(({ tool, dns }) => {
    const program = findProgram(tool, path);
    return program === undefined ? [] : [{ tool, program, dns }];
  });
  return found.length > 1 && !hasDefaultRoute() ? found.at(-1) : found[0];
}

/** Why this user can have no private network on this machine, and what to do; undefined when nothing is missing. */
export function networkObstacle(path?: string): { readonly reason: string; readonly hint: string } | undefined {
  if (findNetworkTool(path) === undefined) {
    return {
      reason: 'neither pasta (package passt) nor slirp4netns (package slirp4netns) is installed',
      hint: 'Install the package passt.',
    };
  }
  if (!existsSync(tunDevice)) return { reason: `there is no ${tunDevice}`, hint: 'Load the kernel module tun.' };
  try {
    accessSync(tunDevice, constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return { reason: `this user may not open ${tunDevice}`, hint: `As root: chmod 666 ${tunDevice}.` };
  }
}
