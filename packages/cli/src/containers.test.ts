import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerSummary } from '@boxkit/box';
import { ordinaryUser, type OrdinaryUser } from '@boxkit/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const binary = join(import.meta.dirname, '../bin/box');
const image = 'host:sh,sleep,cat,id,env,grep,ln,rm,mkdir,rmdir,readlink';
/** The built command lies in this tree, which an ordinary user must be able to read. */
const users = process.getuid?.() === 0 ? (['root', 'an ordinary user'] as const) : (['an ordinary user'] as const);

describe.each(users)('the life of a container of %s', (who) => {
  let user: OrdinaryUser;
  let home: string;
  beforeAll(async () => {
    user = await ordinaryUser(who === 'root' ? 0 : 12_345);
    home = join(user.home, 'box');
    expect(await box('run', '--rm', '-q', image, '--', 'sh', '-c', ':')).toMatchObject({ status: 0 });
  });
  afterAll(() => user[Symbol.asyncDispose]());

  async function box(...args: readonly string[]) {
    const { code, stdout, stderr } = await user.attempt(binary, args, { env: { BOX_HOME: home } });
    return { status: code, stdout, stderr };
  }
  const list = async (): Promise<readonly ContainerSummary[]> =>
    JSON.parse((await box('ps', '-a', '--json')).stdout) as ContainerSummary[];
  const state = async (name: string): Promise<ContainerSummary | undefined> =>
    (await list()).find((container) => container.name === name);
  /** Starts a detached container and gives its name. */
  async function start(name: string, script: string, ...options: readonly string[]): Promise<string> {
    const result = await box('run', '-d', '-q', '--name', name, ...options, image, '--', 'sh', '-c', script);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toMatch(/^[0-9a-f]{64}\n$/);
    return name;
  }
  async function removeAll(): Promise<void> {
    const names = (await list()).map(({ containerId }) => containerId);
    expect(await box('rm', '-f', 'none', ...names)).toMatchObject({ status: 0 });
    expect(await readdir(join(home, 'containers'))).toEqual([]);
  }
  const forever = 'while :; do sleep 0.2; done';

  it('outlives its starter, keeps every byte in its log, stops politely and goes', async () => {
    await start('web', `printf 'a\\377b\\n'; echo err >&2; ${forever}`, '--label', 'tier=front');
    expect(await state('web')).toMatchObject({ status: 'running', labels: { tier: 'front' }, detached: true });
    const logged = async (): Promise<readonly string[]> =>
      (await box('logs', '--json', 'web')).stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => Buffer.from((JSON.parse(line) as { base64: string }).base64, 'base64').toString('latin1'));
    await expect.poll(async () => (await logged()).toSorted()).toEqual(['a\xffb\n', 'err\n']);
    expect((await box('rm', 'web')).stderr).toContain('ERR_BOX_CONTAINER_STATE');
    expect(await box('rename', 'web', 'front')).toMatchObject({ status: 0 });
    expect(await box('stop', 'front')).toMatchObject({ status: 0, stdout: 'front\n' });
    expect(await state('front')).toMatchObject({ status: 'exited', exit: { code: 143, signal: 'SIGTERM' } });
    expect((await box('wait', 'front')).stdout).toBe('143\n');
    await removeAll();
  });

  it('is followed by logs to its end, and waited for even when it is removed then', async () => {
    await start('job', 'echo one; sleep 6; echo two; exit 4', '--rm');
    const [followed, waited] = await Promise.all([box('logs', '-f', 'job'), box('wait', 'job')]);
    expect(followed).toMatchObject({ status: 0, stdout: 'one\ntwo\n' });
    expect(waited).toMatchObject({ status: 0, stdout: '4\n' });
    for (let round = 0; (await list()).length > 0 && round < 400; round++) await delay(50);
    await removeAll();
  });

  it.each(['unshare', 'bubblewrap'])(
    'takes further commands, with the same limits of what they may (%s)',
    async (isolation) => {
      await start('many', forever, '--isolation', isolation, '-e', 'A=1');
      const own = await box(
        'exec',
        'many',
        '--',
        'sh',
        '-c',
        'grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status /proc/1/status',
      );
      const lines = own.stdout.trimEnd().split('\n');
      const of = (pid: string) =>
        lines.filter((line) => line.startsWith(`/proc/${pid}/`)).map((line) => line.split(':').slice(1));
      expect(of('self')).toEqual(of('1'));
      expect(of('1').length).toBe(7);
      const other = await box(
        'exec',
        '-u',
        '7:8',
        '-w',
        '/tmp',
        '-e',
        'B=2',
        'many',
        '--',
        'sh',
        '-c',
        'id -u; id -g; pwd; echo $A$B; exit 9',
      );
      expect(other).toMatchObject({ status: 9, stdout: '7\n8\n/tmp\n12\n' });
      expect(await box('exec', 'many', 'no-such-command')).toMatchObject({ status: 127 });
      expect(await box('exec', 'many', '/etc')).toMatchObject({ status: 126 });
      expect((await box('exec', '-w', '/none', 'many', 'id')).stderr).toContain('hint: Name a directory');
      expect((await box('exec', '-w', '/bin/cat', 'many', 'id')).stderr).toContain('is a file');
      // no link of /proc, which could lead out (CVE-2024-21626 of runc's)
      for (const link of ['/proc/1/root', '/proc/self/fd/4'])
        expect((await box('exec', '-w', link, 'many', 'id')).status).toBe(125);
      expect((await box('exec', '-t', 'many', 'readlink', '/proc/self/fd/0')).stdout).toMatch(/^\/dev\/pts\/\d+\r\n$/);
      expect((await box('exec', '-t', 'many', 'sh', '-c', '[ -c /dev/pts/0 ]')).status).toBe(0);
      expect((await box('exec', 'many', 'no-such-command')).stderr).toContain('no-such-command');
      await removeAll();
      expect((await box('exec', 'many', 'id')).status).toBe(125);
    },
  );

  it('is started again after a failure, as often as was said', async () => {
    await start('failing', 'echo run; exit 3', '--restart', 'on-failure:2');
    expect((await box('wait', 'failing')).stdout).toBe('3\n');
    expect((await box('logs', 'failing')).stdout).toBe('run\nrun\nrun\n');
    expect(await state('failing')).toMatchObject({ restarts: 2 });
    await removeAll();
  });

  it('has an init that lists of processes call by its name, when it is asked for', async () => {
    const { stdout } = await box('run', '-q', '--rm', '--init', image, '--', 'cat', '/proc/1/comm');
    expect(stdout).toBe('box-init\n');
  });

  it('is stopped when its time is over', async () => {
    await start('slow', forever, '--timeout', '500ms');
    expect((await box('wait', 'slow')).stdout).toBe('143\n');
    await removeAll();
  });

  it('is paused and goes on', async () => {
    await start('paused', `sleep 1000 & ${forever}`);
    expect(await box('pause', 'paused')).toMatchObject({ status: 0 });
    expect(await state('paused')).toMatchObject({ status: 'paused' });
    const frozen = JSON.parse((await box('top', '--json', 'paused')).stdout) as { state: string }[];
    // what ended just before is waited for by nobody who is stopped
    expect(new Set(frozen.map((process) => process.state).filter((one) => one !== 'Z'))).toEqual(new Set(['T']));
    expect((await box('exec', 'paused', 'id')).stderr).toContain('it is paused');
    expect(await box('unpause', 'paused')).toMatchObject({ status: 0 });
    expect(await box('exec', 'paused', 'id')).toMatchObject({ status: 0 });
    await removeAll();
  });

  it('gives its streams to who attaches', async () => {
    await start('echo', 'cat; exit 5', '-i');
    const attached = spawnBox('attach', 'echo');
    const output: Buffer[] = [];
    attached.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
    attached.stdin?.end('through the socket\n');
    const code = await new Promise((resolve) => attached.once('close', resolve));
    expect({ code, output: Buffer.concat(output).toString() }).toEqual({ code: 5, output: 'through the socket\n' });
    await removeAll();
  });

  it('has files copied in and out, contents and modes and links, and nothing outside of it', async () => {
    const swap = 'while :; do ln -sfn / /tmp/swap; rm /tmp/swap; mkdir /tmp/swap; rmdir /tmp/swap; done';
    await start('files', `mkdir /tmp/d; echo in > /tmp/d/f; ln -s ${user.home} /tmp/out; ${swap}`);
    // of its first three commands the last one
    const made = 'until [ -h /tmp/out ]; do sleep 0.1; done';
    expect(await box('exec', 'files', 'sh', '-c', made)).toMatchObject({ status: 0 });
    const work = join(user.home, 'work');
    await user.run('sh', [
      '-c',
      `mkdir -p ${work}/a/b; echo x > ${work}/a/b/f; chmod 640 ${work}/a/b/f; ln -s /x ${work}/a/l`,
    ]);
    expect(await box('cp', `${work}/a`, 'files:/tmp/copy')).toMatchObject({ status: 0, stderr: '' });
    expect(await box('cp', `${work}/a/.`, 'files:/tmp/d')).toMatchObject({ status: 0, stderr: '' });
    expect(await box('cp', 'files:tmp/copy', `${work}/back`)).toMatchObject({ status: 0, stderr: '' });
    const seen = await user.run('sh', ['-c', `cd ${work}/back; cat b/f; stat -c %a:%u b/f; readlink l`]);
    expect(seen.stdout).toBe(`x\n640:${user.uid}\n/x\n`);
    expect((await box('exec', 'files', 'cat', '/tmp/d/b/f', '/tmp/d/f')).stdout).toBe('x\nin\n');
    // the link leads to a directory of the host's, which inside is none
    expect((await box('cp', `${work}/a/b/f`, 'files:/tmp/out/planted')).stderr).toContain('ERR_BOX_FILE_UNREADABLE');
    const mark = `planted-${process.pid}`;
    for (let round = 0; round < 5; round++) await box('cp', `${work}/a/b/f`, `files:/tmp/swap/${mark}`);
    expect(existsSync(join('/', mark))).toBe(false);
    expect(await readdir(user.home)).not.toContain('planted');
    await removeAll();
  });

  it('goes on with a command in the background, and keeps its socket and its records to itself', async () => {
    expect(await box('exec', '-d', await start('private', forever), 'sh', '-c', 'sleep 0.3; mkdir /tmp/later')).toEqual(
      {
        status: 0,
        stdout: '',
        stderr: '',
      },
    );
    await expect.poll(async () => (await box('exec', 'private', 'sh', '-c', '[ -d /tmp/later ]')).status).toBe(0);
    expect(await box('exec', '-d', 'private', 'no-such-command')).toMatchObject({ status: 127 });
    expect((await box('exec', '-d', '-i', 'private', 'sh')).stderr).toContain('--detach');
    const path = (await state('private'))?.path ?? '';
    const { stdout } = await user.run('sh', [
      '-c',
      `stat -c %a ${path}/control ${path}/bundle.json ${path}/log ${path}`,
    ]);
    expect(stdout).toBe('600\n600\n600\n700\n');
    await removeAll();
  });

  describe('after a kill -9', () => {
    it('of the supervisor nothing runs, and the next command says so', async () => {
      await start('orphan', forever);
      const before = await state('orphan');
      const { owner } = JSON.parse(await readFile(join(before?.path ?? '', 'state.json'), 'utf8')) as { owner: string };
      process.kill(Number(owner.split('.')[0]), 'SIGKILL');
      await gone(before?.pid);
      expect(await state('orphan')).toMatchObject({ status: 'exited', exit: { code: 125 } });
      expect((await box('wait', 'orphan')).stdout).toBe('125\n');
      await removeAll();
    });

    it('of the first process its end is written down', async () => {
      await start('shot', forever);
      process.kill((await state('shot'))?.pid ?? Number.NaN, 'SIGKILL');
      expect((await box('wait', 'shot')).stdout).toBe('137\n');
      expect(await state('shot')).toMatchObject({ status: 'exited', exit: { code: 137, signal: 'SIGKILL' } });
      await removeAll();
    });

    it('of the command that runs in the foreground nothing runs either', async () => {
      const child = spawnBox('run', '-q', '--name', 'front', image, '--', 'sh', '-c', `echo up; ${forever}`);
      await new Promise((resolve) => child.stdout?.once('data', resolve));
      const running = await state('front');
      expect(running).toMatchObject({ status: 'running', detached: false });
      child.kill('SIGKILL');
      await gone(running?.pid);
      expect(await state('front')).toMatchObject({ status: 'exited' });
      await removeAll();
    });
  });

  it('has a record without --rm, and none with it', async () => {
    await box('run', '-q', '--name', 'kept', image, '--', 'sh', '-c', 'exit 7');
    await box('run', '-q', '--rm', '--name', 'gone', image, '--', 'sh', '-c', 'exit 7');
    expect((await list()).map(({ name, exit }) => [name, exit?.code])).toEqual([['kept', 7]]);
    expect(await box('rm', '-f', 'kept', 'gone')).toMatchObject({ status: 0 });
    await removeAll();
  });

  it('writes its containerId where it is asked to, once', async () => {
    const file = join(user.home, 'cid');
    const result = await box('run', '-d', '-q', '--rm', '--cidfile', file, image, '--', 'sh', '-c', forever);
    expect(await readFile(file, 'utf8')).toBe(result.stdout.trim());
    expect((await box('run', '-d', '--cidfile', file, image)).stderr).toContain('exists already');
    await removeAll();
  });

  it('says at once what keeps a detached command from running', async () => {
    expect(await box('run', '-d', '-q', '--name', 'none', image, 'no-such-command')).toMatchObject({ status: 127 });
    await removeAll();
    expect(await box('run', '-d', '-q', 'host:no-such-program')).toMatchObject({ status: 125, stdout: '' });
    expect((await box('run', '--restart', 'on-failure', image)).stderr).toContain('--detach');
    expect((await box('run', '-d', '--restart', 'always', image)).stderr).toContain('on-failure:N');
    await removeAll();
  });

  function spawnBox(...args: readonly string[]): ChildProcess {
    return spawn(binary, args, {
      env: { PATH: process.env['PATH'], HOME: user.home, BOX_HOME: home },
      stdio: ['pipe', 'pipe', 'inherit'],
      ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
    });
  }
});

async function gone(pid: number | undefined): Promise<void> {
  for (let round = 0; existsSync(`/proc/${pid}`) && round < 1000; round++) await delay(20);
}
