import { join } from 'node:path';
import { requireTool, systemSnapshot, leftBehind, temporaryDirectory, tryCommand } from '@boxkit/testkit';
import { expect, test } from 'vitest';
import { boxPath, registryHost } from './support/box.ts';
import { outputPattern, pageBlocks } from './support/page.ts';

const page = 'docs/guide/by-hand.md';

test('the page by-hand.md runs line by line, to a shell in the container', async (context) => {
  const host = registryHost(context);
  requireTool(context, 'jq', 'unshare', 'chroot', 'script', 'tar');
  await using work = await temporaryDirectory('by-hand');
  const env = {
    PATH: `${join(boxPath, '..')}:${process.env['PATH'] ?? ''}`,
    HOME: work.path,
    BOX_HOME: join(work.path, 'home'),
    TERM: 'dumb',
  };
  const before = systemSnapshot(work.path);
  const shells: string[] = [];
  for (const { line, script, output } of await pageBlocks(page)) {
    const text = script.replaceAll('127.0.0.1:5000', host);
    // Those that end in a prompt, and never without a person.
    if (/ -it | -i \+m/.test(text)) {
      shells.push(...text.trim().split('\n'));
      continue;
    }
    const result = await tryCommand('sh', ['-eu', '-c', text], { cwd: work.path, env, timeout: 120_000 });
    expect({
      block: `${page}:${line}`,
      code: result.code,
      stderr: result.code === 0 ? '' : result.stderr + result.stdout,
    }).toEqual({
      block: `${page}:${line}`,
      code: 0,
      stderr: '',
    });
    expect(result.stdout, `${page}:${line}`).toMatch(
      output === undefined ? /^/ : outputPattern(output.replaceAll('127.0.0.1:5000', host)),
    );
  }
  expect(shells).toHaveLength(2);
  for (const shell of shells) {
    const typed = 'echo answer $((6 * 7)); test -t 0 && echo a terminal; exit 7\n';
    const args = ['-q', '-e', '-c', shell, '/dev/null'];
    const result = await tryCommand('script', args, { cwd: work.path, env, input: typed, timeout: 60_000 });
    expect([shell, result.code]).toEqual([shell, 7]);
    expect(result.stdout).toMatch(/# [^]*answer 42\s+a terminal/);
  }
  const after = systemSnapshot(work.path);
  expect(leftBehind(before, { ...after, temporary: before.temporary })).toEqual([]);
});
