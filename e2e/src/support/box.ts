import { join } from 'node:path';
import { requireRoot, requireThat, tryCommand, type CommandOptions, type CommandResult } from '@boxkit/testkit';
import type { Skippable } from '@boxkit/testkit';
import { expect, inject } from 'vitest';
import { root } from './packed-cli.ts';

/** `box` as the build leaves it in this workspace. */
export const boxPath = join(root, 'node_modules/.bin/box');

/** The registry's `127.0.0.1:PORT`; skips the test where there is none. */
export function registryHost(context: Skippable): string {
  requireRoot(context);
  const { host } = inject('e2e');
  requireThat(context, host !== '', 'needs docker-registry, skopeo, buildah, umoci, busybox, setfattr and setcap');
  return host;
}

/** Runs `box` with a home of the test's own and nothing of the caller's environment but PATH. */
export function runBox(home: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const env = { PATH: process.env['PATH'], HOME: home, BOX_HOME: join(home, 'box'), ...options.env };
  return tryCommand(boxPath, args, { timeout: 200_000, ...options, env });
}

/** That a command succeeded, showing what it said when it did not. */
export function expectSuccess(result: CommandResult): void {
  expect({ code: result.code, signal: result.signal, stderr: result.code === 0 ? '' : result.stderr }).toEqual({
    code: 0,
    signal: null,
    stderr: '',
  });
}
