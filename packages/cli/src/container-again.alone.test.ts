import { readdirSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ContainerSummary } from '@boxkit/box';
import { ordinaryUser, type OrdinaryUser, requireRoot, requireTool } from '@boxkit/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const binary = join(import.meta.dirname, '../bin/box');
const image = 'host:sh,sleep,cat,busybox';
const users = process.getuid?.() === 0 ? (['root', 'an ordinary user'] as const) : (['an ordinary user'] as const);

describe.each(users)('a container of %s', (who) => {
  let user: OrdinaryUser;
  let home: string;
  beforeAll(async () => {
    user = await ordinaryUser(who === 'root' ? 0 : 12_345);
    home = join(user.home, 'box');
    expect(await box('run', '--rm', '-q', image, '--', 'sh', '-c', ':')).toMatchObject({ code: 0 });
  });
  afterEach(async () => {
    const { stdout } = await box('ps', '-aq', '--no-trunc');
    await box('rm', '-f', 'none', ...stdout.split('\n').filter((line) => line !== ''));
  });
  afterAll(() => user[Symbol.asyncDispose]());

  const box = (...args: readonly string[]) => user.attempt(binary, args, { env: { BOX_HOME: home } });
  const state = async (name: string): Promise<ContainerSummary | undefined> =>
    (JSON.parse((await box('ps', '-a', '--json')).stdout) as ContainerSummary[]).find((one) => one.name === name);

  describe('that has ended', () => {
    const script = 'test -e /n && cat /n; echo again >> /n; echo $A; exit 4';

    it.each(['overlay', 'merge'])('is started again on the files that it left (%s)', async (driver) => {
      const options = ['--name', 'job', '-e', 'A=1', '--label', 'l=1', '--rootfs-driver', driver];
      expect(await box('run', '-q', ...options, image, '--', 'sh', '-c', script)).toMatchObject({
        code: 4,
        stdout: '1\n',
      });
      expect(await box('start', 'job')).toMatchObject({ code: 0, stdout: 'job\n', stderr: '' });
      expect((await box('wait', 'job')).stdout).toBe('4\n');
      expect((await box('logs', 'job')).stdout).toBe('again\n1\n');
      expect(await box('start', '-a', 'job')).toMatchObject({ code: 4, stdout: 'again\nagain\n1\n', stderr: '' });
      expect(await state('job')).toMatchObject({ status: 'exited', labels: { l: '1' }, exit: { code: 4 } });
    });

    it('keeps its restart policy, its log and its options', async () => {
      const options = ['--name', 'job', '--restart', 'on-failure:1', '--hostname', 'boxed', '-u', '7:8', '-w', '/tmp'];
      const own = 'cat /etc/hostname; id -u; pwd; exit 1';
      await box('run', '-d', '-q', ...options, `${image},id`, '--', 'sh', '-c', own);
      await box('wait', 'job');
      expect(await box('start', 'job')).toMatchObject({ code: 0 });
      await box('wait', 'job');
      expect((await box('logs', 'job')).stdout).toBe('boxed\n7\n/tmp\n'.repeat(4));
      expect(await state('job')).toMatchObject({ restarts: 1, detached: true });
    });

    it('reads standard input with -i', async () => {
      await box('run', '-q', '--name', 'cat', image, '--', 'cat');
      const result = await user.attempt(binary, ['start', '-i', 'cat'], { env: { BOX_HOME: home }, input: 'through' });
      expect(result).toMatchObject({ code: 0, stdout: 'through' });
    });

    it('is started by one of two who want to, and after a kill -9 of its supervisor', async () => {
      await box('run', '-d', '-q', '--name', 'one', image, '--', 'sleep', '99');
      expect((await box('start', 'one')).stderr).toContain('it runs already');
      const supervisor = Number(/"owner": "(\d+)/.exec((await stateFile('one')) ?? '')?.[1]);
      process.kill(supervisor, 'SIGKILL');
      await expect.poll(async () => (await state('one'))?.status).toBe('exited');
      const both = await Promise.all([box('start', 'one'), box('start', 'one')]);
      expect(both.filter(({ code }) => code === 0).length).toBe(1);
      expect(await state('one')).toMatchObject({ status: 'running' });
      expect(await box('exec', 'one', '--', 'sh', '-c', ':')).toMatchObject({ code: 0 });
    });

    async function stateFile(name: string): Promise<string | undefined> {
      const { path = '' } = (await state(name)) ?? {};
      return (await user.run('cat', [join(path, 'state.json')])).stdout;
    }
  });

  if (who === 'root' || mayOpenTun()) {
    it('has ports of the host’s that box port names, found anew where any will do', async (context) => {
      requireTool(context, 'pasta');
      const serve = 'busybox nc -l -p 80 -e busybox echo hello';
      const options = ['-p', '127.0.0.1::80', '-p', '127.0.0.1:20000-20400:81', '-p', '8082/udp'];
      const started = await box(
        'run',
        '-d',
        '-q',
        '--name',
        'web',
        ...options,
        image,
        '--',
        'sh',
        '-c',
        `${serve}; sleep 99`,
      );
      expect(started).toMatchObject({ code: 0, stderr: '' });
      const [, port] = /^127\.0\.0\.1:(\d+)\n$/.exec((await box('port', 'web', '80')).stdout) ?? [];
      expect((await box('port', 'web')).stdout).toMatch(
        /^80\/tcp -> 127\.0\.0\.1:\d+\n81\/tcp -> 127\.0\.0\.1:20\d{3}\n8082\/udp -> 0\.0\.0\.0:\d+\n$/,
      );
      expect((await box('ps')).stdout).toContain(`127.0.0.1:${port}->80/tcp`);
      expect(await box('port', 'web', '83')).toMatchObject({ code: 1, stdout: '' });
      const reply = async (): Promise<string> => {
        const socket = connect(Number(port), '127.0.0.1');
        await once(socket, 'connect');
        return text(socket);
      };
      await expect.poll(() => reply().catch(() => '')).toBe('hello\n');
    });
  } else {
    it('is refused ports where it may not open /dev/net/tun, and told so', async (context) => {
      requireTool(context, 'pasta');
      const { code, stderr } = await box('run', '-d', '-q', '-p', '80', image, '--', 'true');
      expect(code).toBe(125);
      expect(stderr).toContain('/dev/net/tun');
    });
  }

  // Only root's containers have cgroups here.
  if (who === 'root') {
    it('that was killed with its supervisor leaves no cgroup that box prune does not remove', async (context) => {
      requireRoot(context);
      const parents = ownCgroups();
      await box('run', '-d', '-q', '--name', 'kept', '--pids-limit', '20', image, '--', 'sleep', '99');
      await box('run', '-d', '-q', '--rm', '--name', 'gone', '--memory', '64m', image, '--', 'sleep', '99');
      expect(ownCgroups().length).toBe(parents.length + 2);
      for (const name of ['kept', 'gone']) {
        const { path = '' } = (await state(name)) ?? {};
        const { stdout } = await user.run('cat', [join(path, 'state.json')]);
        process.kill(Number(/"owner": "(\d+)/.exec(stdout)?.[1]), 'SIGKILL');
        await expect.poll(async () => (await state(name))?.status ?? 'exited').toBe('exited');
      }
      expect(await box('prune')).toMatchObject({ code: 0 });
      expect(ownCgroups()).toEqual(parents);
      expect(await state('gone')).toBeUndefined();
      expect(await state('kept')).toMatchObject({ status: 'exited' });
    });
  }
});

/** Whether everybody may: what a private network takes. */
function mayOpenTun(): boolean {
  return (statSync('/dev/net/tun', { throwIfNoEntry: false })?.mode ?? 0) % 0o10 >= 6;
}

function ownCgroups(): readonly string[] {
  return readdirSync('/sys/fs/cgroup', { recursive: true, encoding: 'utf8' }).filter((path) =>
    /(?:^|\/)box-\d+-[0-9a-f]{12}$/.test(path),
  );
}
