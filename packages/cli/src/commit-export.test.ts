import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ordinaryUser, writeTar, type OrdinaryUser } from '@boxkit/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const binary = join(import.meta.dirname, '../bin/box');
const users = process.getuid?.() === 0 ? (['root', 'an ordinary user'] as const) : (['an ordinary user'] as const);

/** What a disk without privilege cannot hold: owners, devices, set-id bits of others, capabilities. */
const layer = writeTar([
  { path: 'srv/', type: 'directory', mode: 0o750, uid: 42, gid: 43 },
  { path: 'srv/owned', content: 'old\n', mode: 0o640, uid: 1000, gid: 1001 },
  { path: 'srv/setuid', content: 'x', mode: 0o4755, uid: 33, gid: 33 },
  {
    path: 'srv/cap',
    content: 'x',
    uid: 5,
    xattrs: { 'security.capability': '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0' },
  },
  { path: 'srv/null', type: 'char', major: 1, minor: 3, uid: 9 },
  { path: 'srv/a', content: 'linked', uid: 7 },
  { path: 'srv/b', type: 'hardlink', link: 'srv/a', uid: 7 },
  { path: 'srv/dir/', type: 'directory', mode: 0o700, uid: 8 },
  { path: 'srv/dir/keep', content: 'keep', uid: 8 },
  { path: 'srv/dir/gone', content: 'gone', uid: 8 },
  { path: 'srv/emptied/x', content: 'x' },
  { path: 'srv/emptied/y', content: 'y' },
]);

const script = `echo new >> /srv/owned; chmod 600 /srv/dir/keep; rm /srv/dir/gone; rm -r /srv/emptied; mkdir /srv/emptied
  echo z > /srv/emptied/z; ln /srv/emptied/z /srv/emptied/zz; mkdir -p /opt/deep; echo secret > /bound/leak
  echo secret > /tm/leak; echo secret > /vol/leak; ln -s /nowhere /srv/dangling`;

/** Mode, owner and path. Times and sizes are the business of other tests. */
const expected = [
  'drwxr-x--- 42:43 srv/',
  '-rw-r--r-- 7:0 srv/a',
  'hrw-r--r-- 7:0 srv/b',
  '-rw-r--r-- 5:0 srv/cap',
  'lrwxrwxrwx 0:0 srv/dangling',
  'drwx------ 8:0 srv/dir/',
  '-rw------- 8:0 srv/dir/keep',
  'drwxr-xr-x 0:0 srv/emptied/',
  '-rw-r--r-- 0:0 srv/emptied/z',
  'hrw-r--r-- 0:0 srv/emptied/zz',
  'crw-r--r-- 9:0 srv/null',
  '-rw-r----- 1000:1001 srv/owned',
  '-rwsr-xr-x 33:33 srv/setuid',
];

describe.each(users)('what %s made a container of', (who) => {
  let user: OrdinaryUser;
  let home: string;
  const box = (...args: readonly string[]) => user.attempt(binary, args, { env: { BOX_HOME: home } });
  const shell = (line: string) =>
    user.attempt('sh', ['-c', line], { env: { BOX_HOME: home, BOX: binary, LC_ALL: 'C', PATH: process.env['PATH'] } });
  beforeAll(async () => {
    user = await ordinaryUser(who === 'root' ? 0 : 12_345);
    home = join(user.home, 'box');
    await writeFile(join(user.home, 'layer.tar'), layer, { mode: 0o644 });
    await user.run('mkdir', ['bound']);
    const made = await box('append', 'host:sh,cat,chmod,mkdir,rm,ln,sleep,mv', 'layer.tar', '--tag', 'base');
    expect(made).toMatchObject({ code: 0 });
  });
  afterEach(async () => {
    const { stdout } = await box('ps', '-aq', '--no-trunc');
    await box('rm', '-f', 'none', ...stdout.split('\n').filter((line) => line !== ''));
  });
  afterAll(() => user[Symbol.asyncDispose]());

  async function listing(tar: string, filter = 'srv'): Promise<string[]> {
    const { stdout } = await shell(`${tar} | tar -tv --numeric-owner`);
    return stdout
      .split('\n')
      .map((line) => /^(\S+)\s+(\d+)\/(\d+)\s+\S+\s+\S+\s+\S+\s+(\S+)/.exec(line))
      .flatMap((match) => (match === null ? [] : [`${match[1]} ${match[2]}:${match[3]} ${match[4]}`]))
      .filter((line) => (line.split(' ')[2] ?? '').startsWith(filter))
      .toSorted((a, b) => ((a.split(' ')[2] ?? '') < (b.split(' ')[2] ?? '') ? -1 : 1));
  }

  const mounts = ['-v', 'bound:/bound', '-v', 'data:/vol', '--mount', 'type=tmpfs,target=/tm'];
  const run = async (driver: string, name: string, lines: string) =>
    box(
      'run',
      '-q',
      '--name',
      name,
      '--rootfs-driver',
      driver,
      ...mounts.map((word) => word.replace(/^bound:/, `${user.home}/bound:`)),
      'base',
      '--',
      'sh',
      '-ec',
      lines,
    );

  it.each(['overlay', 'merge'])('becomes an image with the owners and devices of its own (%s)', async (driver) => {
    expect(await run(driver, 'made', script)).toMatchObject({ code: 0 });
    const committed = await box(
      'commit',
      '-q',
      '-m',
      'a remark',
      '-a',
      'me',
      '-c',
      'CMD ["cat", "/srv/owned"]',
      'made',
      'new',
    );
    expect(committed).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/) as string,
    });
    expect((await box('run', '-q', '--rm', 'new')).stdout).toBe('old\nnew\n');
    await box('run', '-q', '--name', 'again', 'new', 'sh', '-c', ':');
    expect(await listing('$BOX export again')).toEqual(expected);
    const { stdout } = await box('tree', '-q', '--layer', '-1', 'new').then(async (tree) =>
      tree.code === 0 ? tree : box('tree', '-q', 'new'),
    );
    expect(stdout).not.toMatch(/leak|bound|resolv/);
    const history = await box('history', '--json', 'new');
    expect(history.stdout).toContain('a remark');
  });

  it.each(['overlay', 'merge'])('is exported with the owners and devices of its image (%s)', async (driver) => {
    await run(driver, 'made', script);
    expect(await listing('$BOX export made')).toEqual(expected);
    expect(await listing('$BOX export made', '')).not.toContainEqual(expect.stringContaining('leak'));
    expect(await box('export', '-o', 'made.tar', 'made')).toMatchObject({ code: 0, stderr: '', stdout: '' });
    expect(await listing('cat made.tar')).toEqual(expected);
    const imported = await box('import', '-q', '-c', 'CMD ["cat", "/srv/owned"]', 'made.tar', 'flat');
    expect(imported).toMatchObject({ code: 0, stderr: '' });
    expect((await box('run', '-q', '--rm', 'flat')).stdout).toBe('old\nnew\n');
  });

  it('is held still while it runs and is committed, and goes on', async () => {
    const count = 'i=0; while :; do i=$((i+1)); echo $i > /srv/owned; sleep 0.05; done';
    await box('run', '-d', '-q', '--name', 'runs', 'base', '--', 'sh', '-c', count);
    const committed = await box('commit', '-q', 'runs', 'running');
    expect(committed).toMatchObject({ code: 0, stderr: '' });
    expect((await box('ps', '--json')).stdout).toContain('"running"');
    const before = await box('exec', 'runs', 'cat', '/srv/owned');
    await expect.poll(async () => (await box('exec', 'runs', 'cat', '/srv/owned')).stdout).not.toBe(before.stdout);
    expect((await listing('$BOX export runs', 'srv/owned'))[0]).toBe('-rw-r----- 1000:1001 srv/owned');
  });

  it('that changed nothing is its image with one more step', async () => {
    await box('run', '-q', '--name', 'idle', 'base', '--', 'sh', '-c', ':');
    expect(await box('commit', '-q', 'idle', 'same')).toMatchObject({ code: 0 });
    const layers = async (name: string) =>
      (await box('layers', '--json', '-q', name)).stdout.match(/"diffId":"[^"]+"/g);
    expect(await layers('same')).toEqual(await layers('base'));
  });

  it('starts as its container did, but for what is changed', async () => {
    const asked = ['-e', 'A=1', '-e', 'B=2', '-w', '/srv', '-u', '5:6', '--label', 'kind=test', '--entrypoint', 'sh'];
    await box('run', '-q', '--name', 'asked', ...asked, 'base', '-c', 'echo $A > /tmp/a; cat /tmp/a');
    expect(await box('commit', '-q', '-c', 'ENV B=3', 'asked', 'asked')).toMatchObject({ code: 0 });
    const [inspected] = JSON.parse((await box('inspect', '--json', 'asked')).stdout) as [
      { config: { config: Record<string, unknown> } },
    ];
    expect(inspected.config.config).toMatchObject({
      Entrypoint: ['sh'],
      Cmd: ['-c', 'echo $A > /tmp/a; cat /tmp/a'],
      WorkingDir: '/srv',
      User: '5:6',
      Labels: { kind: 'test' },
    });
    expect(JSON.stringify(inspected.config)).not.toMatch(/HOSTNAME|HOME=/);
    expect((await box('run', '-q', '--rm', 'asked', '-c', 'echo $A $B; pwd')).stdout).toBe('1 3\n/srv\n');
    expect(await box('commit', '-q', '-c', 'ENTRYPOINT ["cat"]', 'asked', 'other')).toMatchObject({ code: 0 });
    expect((await box('inspect', '--json', 'other')).stdout).not.toContain('"Cmd"');
  });

  it('keeps its own base when the name moves on', async () => {
    await box('tag', 'base', 'moving');
    await box('run', '-q', '--name', 'old', 'moving', '--', 'sh', '-c', 'echo x > /x');
    await box('append', '-q', 'base', 'layer.tar', '--tag', 'moving');
    expect(await box('commit', '-q', 'old', 'still')).toMatchObject({ code: 0 });
    expect((await box('cat', '-q', 'still', '/x')).stdout).toBe('x\n');
  });

  it.each([
    [['commit', 'none', 'new'], 'CONTAINER_UNKNOWN'],
    [['export', 'none'], 'CONTAINER_UNKNOWN'],
    [['commit', '-c', 'RUN x', 'none', 'new'], 'cannot make the change'],
    [['import', 'missing.tar', 'new2'], 'FILE_UNREADABLE'],
    [['import', '/etc/passwd', 'new2'], 'LAYER_INVALID'],
    [['import', '/etc', 'new2'], 'FILE_UNREADABLE'],
  ])('%j is one typed error and changes nothing', async (args, code) => {
    const before = (await box('images', '-q')).stdout;
    const { code: status, stderr } = await box(...args);
    expect(status).toBeGreaterThan(0);
    expect(stderr).toContain(code);
    expect(stderr).toContain('hint: ');
    expect((await box('images', '-q')).stdout).toBe(before);
  });
});
