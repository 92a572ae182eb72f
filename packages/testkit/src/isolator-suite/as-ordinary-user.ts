import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ordinaryUser } from '../ordinary-user.ts';

/**
 * Runs the test file at `url` (import.meta.url) once more as an ordinary user, as one test of its own; nothing when
 * this is no root.
 */
export function asOrdinaryUser(url: string): void {
  if (process.geteuid?.() !== 0) return;
  test('all of this holds for an ordinary user too', { timeout: 300_000 }, async () => {
    await using user = await ordinaryUser();
    const file = fileURLToPath(url);
    const vitest = join(dirname(createRequire(url).resolve('vitest/package.json')), 'vitest.mjs');
    const workspace = join(dirname(vitest), '../..');
    // the native loader writes no file beside the config, where this user may not write
    const args = [vitest, 'run', '--root', workspace, '--configLoader', 'native', '--reporter', 'dot', file];
    const result = await user.attempt(process.execPath, args, {
      cwd: workspace,
      timeout: 280_000,
      env: { TMPDIR: user.home },
    });
    const output = result.stdout + result.stderr;
    if (result.code !== 0) throw new Error(`as uid ${user.uid}:\n${output}`);
    expect(output).not.toContain('skipped');
  });
}
