import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ordinaryUser, type OrdinaryUser } from '@boxkit/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const binary = join(import.meta.dirname, '../bin/box');
const image = 'host:sh,sleep,cat,chmod,mkdir,rm,touch,ln,rmdir,chown';
const users = process.getuid?.() === 0 ? (['root', 'an ordinary user'] as const) : (['an ordinary user'] as const);

describe.each(users)('the files of a container of %s', (who) => {
  let user: OrdinaryUser;
  let home: string;
  beforeAll(async () => {
    user = await ordinaryUser(who === 'root' ? 0 : 12_345);
    home = join(user.home, 'box');
    expect(await box('run', '--rm', '-q', image, '--', 'sh', '-c', ':')).toMatchObject({ code: 0 });
  });
  afterEach(async () => {
    const { stdout } = await box('ps', '-aq', '--no-trunc');
    expect(await box('rm', '-f', 'none', ...stdout.split('\n').filter((line) => line !== ''))).toMatchObject({
      code: 0,
    });
  });
  afterAll(() => user[Symbol.asyncDispose]());

  const box = (...args: readonly string[]) => user.attempt(binary, args, { env: { BOX_HOME: home } });
  const shell = (script: string) =>
    user.attempt('sh', ['-c', script], { env: { BOX_HOME: home, BOX: binary, PATH: process.env['PATH'] } });

  it.each(['overlay', 'merge'])('tell what it changed, as docker diff does (%s)', async (driver) => {
    const script = `touch /new; mkdir -p /var/deep/er; echo x > /var/deep/er/f; rm /usr/bin/rmdir; chmod 700 /usr/bin/cat
      rm -r /home; ln -s /etc /home; mkdir /opt2; chmod 700 /root; mkdir /closed; echo x > /closed/in; chmod 0 /closed`;
    await box('run', '-q', '--name', 'ended', '--rootfs-driver', driver, image, '--', 'sh', '-c', script);
    const expected = [
      ...['A /closed', 'A /closed/in', 'C /home', 'A /new', 'A /opt2', 'C /usr', 'C /usr/bin'],
      ...['C /usr/bin/cat', 'D /usr/bin/rmdir', 'C /var', 'A /var/deep', 'A /var/deep/er', 'A /var/deep/er/f'],
    ];
    expect((await box('diff', 'ended')).stdout.trimEnd().split('\n')).toEqual(expected);
    const lines = (await box('diff', '--json', 'ended')).stdout.trimEnd().split('\n');
    expect(JSON.parse(lines[0] ?? '')).toEqual({ change: 'added', path: '/closed' });
    await box(
      'run',
      '-d',
      '-q',
      '--name',
      'runs',
      '--rootfs-driver',
      driver,
      image,
      'sh',
      '-c',
      'rm -r /var; sleep 99',
    );
    await expect.poll(async () => (await box('diff', 'runs')).stdout).toBe('D /var\n');
    await box('run', '-q', '--name', 'idle', '--rootfs-driver', driver, image, 'sh', '-c', ':');
    expect(await box('diff', 'idle')).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await box('diff', 'none')).toMatchObject({ code: 1, stderr: expect.stringContaining('CONTAINER_UNKNOWN') });
  });

  it('tell nothing of the host when it swaps a directory for a symlink meanwhile', async () => {
    const swap = 'while :; do mkdir /s; touch /s/own; rm -r /s; ln -s / /s; rm /s; done';
    await box('run', '-d', '-q', '--name', 'swap', image, '--', 'sh', '-c', swap);
    for (let round = 0; round < 10; round++) {
      const { stdout } = await box('diff', 'swap');
      const paths = stdout.split('\n').map((line) => line.slice(2));
      expect(paths.filter((path) => !['', '/s', '/s/own'].includes(path))).toEqual([]);
    }
  });

  it.each(['overlay', 'merge'])('are copied in and out of one that has ended (%s)', async (driver) => {
    const script = 'mkdir /d; echo in > /d/f; chmod 600 /d/f; ln /d/f /d/g; ln -s f /d/l; chmod 500 /d';
    await box('run', '-q', '--name', 'ended', '--rootfs-driver', driver, image, '--', 'sh', '-c', script);
    const work = join(user.home, `copied-${driver}`);
    expect(await box('cp', 'ended:/d', work)).toMatchObject({ code: 0, stderr: '' });
    const seen = await user.run('sh', ['-c', `cd ${work}; cat f g; readlink l; stat -c %a:%u . f`]);
    expect(seen.stdout).toBe(`in\nin\nf\n500:${user.uid}\n600:${user.uid}\n`);
    expect(await box('cp', '-L', 'ended:/d/l', `${work}-l`)).toMatchObject({ code: 0 });
    expect((await user.run('cat', [`${work}-l`])).stdout).toBe('in\n');
    expect(await box('cp', `${work}-l`, 'ended:/root/back')).toMatchObject({ code: 0, stderr: '' });
    expect((await shell('$BOX cp ended:/root/back - | tar -xO')).stdout).toBe('in\n');
  });

  it('go through tar as GNU tar understands it, and come back as they were', async () => {
    await box('run', '-d', '-q', '--name', 'tar', image, '--', 'sleep', '999');
    const long = `${'directory/'.repeat(15)}ä`;
    const made = `mkdir -p t/${long}; printf x > t/${long}/f; ln -s ${'y'.repeat(150)} t/l; printf '%0900000d' 1 > t/big
      ln t/big t/hard; mkfifo t/pipe; chmod 750 t/${long}; printf z > "t/$(printf 'n\\377')"; truncate -s 5M t/holes
      chmod 4755 t/big; touch -hd @1000000000 t/l t/big t/${long}`;
    expect(await shell(made)).toMatchObject({ code: 0 });
    for (const packed of ['tar -c t', 'tar -cz --format=gnu -S t', 'tar -c --format=pax t | zstd -qc']) {
      expect(await shell(`${packed} | $BOX cp - tar:/tmp`)).toMatchObject({ code: 0, stderr: '' });
      const back = await shell('rm -rf back; mkdir back; $BOX cp tar:/tmp/t - | tar -xp -C back && diff -r t back/t');
      expect(back.stdout + back.stderr).not.toMatch(/Only in|differ:/);
      const list = 'find . | LC_ALL=C sort | while IFS= read -r f; do stat -c "%n %a %s %h %F" "$f"; done';
      const [before, after] = [await shell(`cd t; ${list}`), await shell(`cd back/t; ${list}`)];
      const sizes = (text: string) => text.replaceAll(/^(.* \d+) \d+ (\d+ directory)$/gm, '$1 $2');
      expect(sizes(after.stdout)).toBe(sizes(before.stdout));
    }
    expect((await shell(`stat -c %Y back/t/big back/t/l back/t/${long}`)).stdout).toBe('1000000000\n'.repeat(3));
  });

  it('are not reached by a bad tar', async () => {
    await box('run', '-d', '-q', '--name', 'tar', image, '--', 'sleep', '999');
    const evil = `printf x > evil; tar -cPf up.tar --transform 's,evil,../../evil,' evil
      ln -sfn ${user.home} out; tar -cf through.tar out; rm out; mkdir out; printf x > out/planted; tar -rf through.tar out/planted`;
    expect(await shell(evil)).toMatchObject({ code: 0 });
    expect((await shell('$BOX cp - tar:/tmp < up.tar')).stderr).toContain('ERR_BOX_LAYER_UNSAFE');
    expect((await shell('$BOX cp - tar:/tmp < through.tar')).stderr).toContain('cannot copy a tar to /tmp');
    expect((await shell('printf nonsense | $BOX cp - tar:/tmp')).stderr).toContain('ERR_BOX_LAYER_INVALID');
    expect((await shell('tar -cJf x.tar evil; $BOX cp - tar:/tmp < x.tar')).stderr).toContain('xz -dc');
    expect((await shell('$BOX cp - tar:/none < up.tar')).stderr).toContain('there is no such directory');
    expect(await readdir(user.home)).not.toContain('planted');
  });

  it('are only its own when it swaps what is copied', async () => {
    const swap = 'while :; do ln -sfn / /tmp/s; rm /tmp/s; mkdir -p /tmp/s/x; rm -r /tmp/s; done';
    await box('run', '-d', '-q', '--name', 'swap', image, '--', 'sh', '-c', swap);
    const mark = `planted-${process.pid}`;
    await shell(`printf x > ${mark}; tar -cf mark.tar ${mark}`);
    for (let round = 0; round < 6; round++) {
      await box('cp', join(user.home, mark), `swap:/tmp/s/${mark}`);
      await shell('$BOX cp - swap:/tmp/s < mark.tar');
      const { stdout } = await shell('$BOX cp swap:/tmp/s - | tar -t');
      expect(stdout.split('\n').filter((line) => !/^(?:s|s\/|s\/x\/|)$/.test(line) && !line.includes(mark))).toEqual(
        [],
      );
    }
    expect(existsSync(join('/', mark))).toBe(false);
  });

  it('are packed no further than somebody reads', async () => {
    await box('run', '-d', '-q', '--name', 'tar', image, '--', 'sleep', '999');
    expect((await shell('$BOX cp tar:/ - 2>/dev/null | head -c 10 | wc -c')).stdout).toBe('10\n');
    await expect.poll(async () => (await shell('ps -eo args | grep -c "[f]iles-worker.*pack.*/"')).stdout).toBe('0\n');
  });
});
