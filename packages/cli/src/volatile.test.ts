import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ordinaryUser, type OrdinaryUser } from '@boxkit/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const binary = join(import.meta.dirname, '../bin/box');
const image = 'host:sh,cat,sleep,grep';
const users = process.getuid?.() === 0 ? (['root', 'an ordinary user'] as const) : (['an ordinary user'] as const);

/** An overlay that is mounted `volatile` is never synced, and cannot be mounted again. docs/decisions/run-speed.md. */
describe.each(users)('the overlay of a container of %s', (who) => {
  let user: OrdinaryUser;
  let home: string;
  beforeAll(async () => {
    user = await ordinaryUser(who === 'root' ? 0 : 12_345);
    home = join(user.home, 'box');
  });
  afterAll(() => user[Symbol.asyncDispose]());

  const env = () => ({ PATH: process.env['PATH'], HOME: user.home, BOX_HOME: home });
  const box = (...args: readonly string[]) => user.attempt(binary, args, { env: env() });
  const run = ['run', '-q', '--rootfs-driver', 'overlay'];
  const root = ['sh', '-c', 'cat /proc/mounts | grep "^[^ ]* / overlay "'];

  it('is volatile when the container goes at its end', async () => {
    expect((await box(...run, '--rm', image, '--', ...root)).stdout).toContain('volatile');
  });

  it('is not when it stays, and so is mounted again', async () => {
    const { stdout } = await box(...run, '--name', 'stays', image, '--', ...root);
    expect(stdout).toContain(' / overlay ');
    expect(stdout).not.toContain('volatile');
    const again = await box('start', '-a', 'stays');
    expect(again.stdout).toContain(' / overlay ');
    expect(again.stdout).not.toContain('volatile');
    await box(...run, '-d', '--name', 'behind', image, '--', ...root);
    await box('wait', 'behind');
    expect((await box('logs', 'behind')).stdout).not.toContain('volatile');
    expect(await box('rm', 'stays', 'behind')).toMatchObject({ code: 0 });
  });

  it('that a kill -9 left unsynced is of no harm to what comes next', async () => {
    const isRoot = process.getuid?.() === 0;
    const args = [...run, '--rm', '--name', 'killed', image, '--', 'sh', '-c', 'echo x >/x; echo up; exec sleep 100'];
    const child: ChildProcess = spawn(binary, args, {
      env: env(),
      stdio: ['ignore', 'pipe', 'ignore'],
      ...(isRoot ? { uid: user.uid, gid: user.gid } : {}),
    });
    if (child.stdout !== null) await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const again = async () => box(...run, '--rm', '--name', 'killed', image, '--', 'sh', '-c', 'cat /x; echo new');
    // the kernel takes a moment to end what the launcher held
    await expect.poll(async () => (await again()).stdout).toBe('new\n');
    expect(await box('prune')).toMatchObject({ code: 0 });
    expect(await readdir(join(home, 'containers'))).toEqual([]);
  });
});
