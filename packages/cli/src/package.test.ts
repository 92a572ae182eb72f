import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const execute = promisify(execFile);
const own = join(import.meta.dirname, '..');
const modules = join(own, '../../node_modules');

describe('the package @boxkit/cli', () => {
  let directory: string;
  let installed: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'box package '));
    await execute('npm', ['pack', '--silent', '--pack-destination', directory], { cwd: own });
    await execute('tar', ['-xzf', join(directory, 'boxkit-cli-0.1.0.tgz'), '-C', directory]);
    installed = join(directory, 'elsewhere/node_modules/@boxkit/cli');
    await mkdir(join(installed, '..'), { recursive: true });
    await cp(join(directory, 'package'), installed, { recursive: true });
    // What npm would install beside it: its one dependency.
    for (const name of ['koffi', '@koromix']) await symlink(join(modules, name), join(installed, '../..', name));
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    execute(join(installed, 'bin/box'), [...args], {
      env: { ...process.env, BOX_HOME: join(directory, 'home'), ...env },
    });

  it('works where it is installed, with koffi as its only dependency', async () => {
    const { stdout } = await run(['run', '-q', 'host:sh', '--', 'sh', '-c', 'echo alone']);
    expect(stdout).toBe('alone\n');
  });

  it('is found through links, relative ones too', async () => {
    await mkdir(join(directory, 'bin'));
    await symlink('../elsewhere/node_modules/@boxkit/cli/bin/box', join(directory, 'bin/first'));
    await symlink('first', join(directory, 'bin/second'));
    const { stdout } = await execute('./second', ['version'], { cwd: join(directory, 'bin') });
    expect(stdout).toMatch(/^box 0\.1\.0 \(Node /);
  });

  it('prefers the Node that is installed beside it', async () => {
    const node = join(installed, '../../node/bin/node');
    await mkdir(join(node, '..'), { recursive: true });
    await writeFile(node, '#!/bin/sh\necho "the other node: $3"\n');
    await chmod(node, 0o755);
    expect((await run(['version'])).stdout).toBe('the other node: version\n');
    await rm(join(installed, '../../node'), { recursive: true });
  });

  it('says clearly when Node is too old', async () => {
    const old = `Object.defineProperty(process.versions, 'node', { value: '20.19.2' });`;
    await writeFile(join(directory, 'old.cjs'), old);
    const failure = run(['version'], { NODE_OPTIONS: `--require "${join(directory, 'old.cjs')}"` });
    await expect(failure).rejects.toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/^box: error: cannot start: Node 20\.19\.2 .* is too old\n {2}hint: .*22\.15/),
    });
  });
});
