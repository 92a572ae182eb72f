import { join } from 'node:path';
import { leftBehind, ordinaryUser, requireTool, runCommand, systemSnapshot, temporaryDirectory } from '@boxkit/testkit';
import { expect, inject, test } from 'vitest';
import { codename } from './support/debian.ts';
import { expectSuccess, registryHost, runBox } from './support/box.ts';

const isolations = ['unshare', 'bubblewrap'] as const;

test.for(['chroot', ...isolations])('root runs a program of a pulled Debian with %s', async (isolation, context) => {
  const host = registryHost(context);
  requireTool(context, 'bwrap', 'unshare');
  await using work = await temporaryDirectory('run');
  const args = ['run', '--isolation', isolation, `${host}/debian:bookworm`, '--', 'cat', '/etc/os-release'];
  const result = await runBox(work.path, args);
  expectSuccess(result);
  expect(result.stdout).toContain(`VERSION_CODENAME=${codename()}`);
});

test.for(isolations)('an ordinary user runs a program of a pulled Debian with %s', async (isolation, context) => {
  const host = registryHost(context);
  requireTool(context, 'bwrap', 'unshare');
  await using user = await ordinaryUser();
  const { packedBox } = inject('e2e');
  const args = ['run', '--isolation', isolation, `${host}/debian:bookworm`, '--', 'cat', '/etc/os-release'];
  const result = await user.attempt(packedBox, args, { timeout: 200_000 });
  expectSuccess(result);
  expect(result.stdout).toContain(`VERSION_CODENAME=${codename()}`);
});

test.for(isolations)(
  'with %s the container has its own host name, processes, user and environment',
  async (isolation, context) => {
    const host = registryHost(context);
    await using work = await temporaryDirectory('run');
    const inside = 'hostname; id -u; echo "$FROM $MINE"; pwd; ls /proc | busybox grep -c "^[0-9]"; exit 7';
    const options = ['--isolation', isolation, '--hostname', 'boxed', '-u', 'tester', '-e', 'MINE=yes', '-w', '/tmp'];
    const result = await runBox(work.path, ['run', ...options, `${host}/umoci`, 'sh', '-c', inside]);
    expect(result.stderr).not.toContain('box: error');
    const [hostname, uid, env, cwd, processes] = result.stdout.split('\n');
    expect([result.code, hostname, uid, env, cwd]).toEqual([7, 'boxed', '1000', 'umoci yes', '/tmp']);
    expect(Number(processes)).toBeLessThan(6);
  },
);

test.for(['chroot', ...isolations])('nothing is left of a container that ran with %s', async (isolation, context) => {
  const host = registryHost(context);
  await using work = await temporaryDirectory('run');
  await runBox(work.path, ['pull', `${host}/umoci`]);
  const before = systemSnapshot(work.path);
  const script = 'busybox sleep 300 & touch /here; exit 3';
  const result = await runBox(work.path, [
    'run',
    '--rm',
    '--isolation',
    isolation,
    `${host}/umoci`,
    'sh',
    '-c',
    script,
  ]);
  const after = systemSnapshot(work.path);
  expect(result).toMatchObject({ code: 3, stderr: expect.not.stringContaining('box: error') });
  expect(leftBehind(before, { ...after, temporary: before.temporary })).toEqual([]);
  const { stdout } = await runCommand('ls', [join(work.path, 'box/containers')]);
  expect(stdout).toBe('');
});

test('the exit status says how the command ended', async (context) => {
  const host = registryHost(context);
  await using work = await temporaryDirectory('run');
  const image = `${host}/umoci`;
  const status = async (...words: readonly string[]): Promise<number | null> => {
    const { code } = await runBox(work.path, ['run', ...words]);
    return code;
  };
  expect(await status(image, 'true')).toBe(0);
  expect(await status(image, 'false')).toBe(1);
  expect(await status(image, 'sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?')).toBe(137);
  expect(await status(image, '/etc')).toBe(126);
  expect(await status(image, 'no-such-program')).toBe(127);
});

test("the caller's standard input reaches the program with -i, byte by byte", async (context) => {
  const host = registryHost(context);
  await using work = await temporaryDirectory('run');
  const input = 'x'.repeat(300_000);
  const result = await runBox(work.path, ['run', '-i', `${host}/umoci`, 'wc', '-c'], { input });
  expect(result).toMatchObject({ code: 0, stdout: '300000\n' });
});

test('an ordinary user unpacks, and removes what came of it', async (context) => {
  const host = registryHost(context);
  await using user = await ordinaryUser();
  const { packedBox } = inject('e2e');
  const result = await user.attempt(packedBox, ['unpack', `${host}/umoci`, 'my_pod']);
  expectSuccess(result);
  const found = await user.run('sh', ['-c', 'cat my_pod/etc/added && rm -rf my_pod && ls']);
  expect(found.stdout).toBe('added by a second layer\n');
});
