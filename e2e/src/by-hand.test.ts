import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireTool, systemSnapshot, leftBehind, temporaryDirectory, tryCommand } from '@boxkit/testkit';
import { expect, test } from 'vitest';
import { boxPath, registryHost } from './support/box.ts';
import { root } from './support/packed-cli.ts';

const page = 'docs/guide/by-hand.md';

interface Block {
  readonly line: number;
  readonly script: string;
  /** What it prints, as far as the page shows it: `...` stands for anything. */
  readonly output: string | undefined;
}

/** The page's commands, each block with the output that follows it. */
async function blocks(): Promise<readonly Block[]> {
  const text = await readFile(join(root, page), 'utf8');
  const found = [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(({ index, 1: kind, 2: body = '' }) => {
    return { kind, body, line: text.slice(0, index).split('\n').length };
  });
  return found.flatMap(({ kind, body, line }, at) => {
    const next = found[at + 1];
    return kind === 'sh' ? [{ line, script: body, output: next?.kind === 'text' ? next.body : undefined }] : [];
  });
}

/** `...` within a line stands for anything in it, and as a line of its own for any lines. */
function pattern(output: string, host: string): RegExp {
  const lines = output.replaceAll('127.0.0.1:5000', host).trimEnd().split('\n');
  const expressions = lines.map((line) => {
    if (line === '...') return '(?:.*\\n)*?';
    const words = line
      .trim()
      .split('...')
      .map((part) => part.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
    return `[^]*?${words.join('.*')}.*\\n`;
  });
  return new RegExp(expressions.join(''));
}

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
  for (const { line, script, output } of await blocks()) {
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
    expect(result.stdout, `${page}:${line}`).toMatch(output === undefined ? /^/ : pattern(output, host));
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
