import { spawn } from 'node:child_process';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ordinaryUser, readTree, requireRoot, runCommand, type OrdinaryUser, type TarEntry } from '@boxkit/testkit';
import { readIndex } from '../layer-index/read-index.ts';
import { stage } from './layer.fixture.ts';

const entries: TarEntry[] = [
  { path: 'closed/', type: 'directory', mode: 0o555, uid: 0, gid: 0, mtime: 7 },
  { path: 'closed/secret/', type: 'directory', mode: 0o000 },
  { path: 'closed/secret/f', content: 'x', mode: 0o000, uid: 33, gid: 44 },
  { path: 'suid', content: 'x', mode: 0o4755, uid: 1000 },
  { path: 'null', type: 'char', major: 1, minor: 3 },
  { path: 'other-null', type: 'hardlink', link: 'null' },
  { path: 'disk', type: 'block', major: 8, minor: 0 },
  { path: 'pipe', type: 'fifo' },
  {
    path: 'ping',
    content: 'x',
    xattrs: { 'security.capability': Buffer.from('0100000200200000000000000000000000000000', 'hex'), 'user.kept': '1' },
  },
  { path: '.wh.gone', content: '' },
  { path: 'o/.wh..wh..opq', content: '' },
];

/** Runs an extraction as an ordinary user, and gives what that process printed. */
async function stageAs(
  user: OrdinaryUser,
  whiteouts: string,
): Promise<{ path: string; index: string; warnings: { code: string; count: number }[] }> {
  const fixture = new URL('./layer.fixture.ts', import.meta.url).href;
  const layers = join(user.home, whiteouts);
  await mkdir(layers);
  await runCommand('chown', [`${user.uid}:${user.gid}`, layers]);
  const script = `
    const { stage } = await import(${JSON.stringify(fixture)});
    const entries = ${JSON.stringify(entries, (_, value: unknown) => value)}.map((entry) => entry.xattrs?.['security.capability']
      ? { ...entry, xattrs: { ...entry.xattrs, 'security.capability': Buffer.from(entry.xattrs['security.capability'].data) } } : entry);
    console.log(JSON.stringify(await stage(${JSON.stringify(layers)}, entries, { whiteouts: ${JSON.stringify(whiteouts)} })));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    uid: user.uid,
    gid: user.gid,
    cwd: '/',
    env: { HOME: user.home, PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const { promise, resolve } = Promise.withResolvers<void>();
  child.on('close', () => resolve());
  await promise;
  return JSON.parse(output) as { path: string; index: string; warnings: { code: string; count: number }[] };
}

test('without privilege the tree is complete but for devices and owners, which are in the index', async (context) => {
  requireRoot(context);
  await using user = await ordinaryUser();
  const staged = await stageAs(user, 'record');
  const tree = await readTree(staged.path);
  expect([...tree.keys()].toSorted()).toEqual([
    '.',
    'closed',
    'closed/secret',
    'closed/secret/f',
    'ping',
    'pipe',
    'suid',
  ]);
  expect(new Set([...tree.values()].map(({ owner }) => owner))).toEqual(new Set([`${user.uid}:${user.gid}`]));
  expect(tree.get('closed')).toMatchObject({ mode: '0555', mtime: '7000000000' });
  expect(tree.get('closed/secret')?.mode).toBe('0000');
  expect(tree.get('closed/secret/f')?.mode).toBe('0000');
  expect(tree.get('suid')?.mode).toBe('4755');
  expect(tree.get('ping')?.xattrs).toEqual({ 'user.kept': '0x31' });
  const index = new Map([...readIndex(staged.index)].map((entry) => [entry.path as string, entry]));
  expect(index.get('closed/secret/f')).toMatchObject({ uid: 33, gid: 44, made: true });
  expect(index.get('disk')).toMatchObject({ type: 'block-device', major: 8, minor: 0, made: false });
  expect(index.get('other-null')).toMatchObject({ type: 'hardlink', link: 'null', made: false, deferred: false });
  expect(index.get('ping')?.xattrs?.size).toBe(2);
  expect(staged.warnings).toMatchObject([
    { code: 'devices-skipped', count: 2 },
    { code: 'xattrs-skipped', count: 1 },
  ]);
  await chmod(join(staged.path, 'closed'), 0o755);
});

test("overlayfs's form for user namespaces needs no privilege", async (context) => {
  requireRoot(context);
  await using user = await ordinaryUser();
  const tree = await readTree((await stageAs(user, 'overlay-user')).path);
  expect(tree.get('gone')).toMatchObject({ type: 'char', device: '0:0' });
  expect(tree.get('o')?.xattrs).toEqual({ 'user.overlay.opaque': '0x79' });
});

test('single ownership as root leaves all files to the caller', async () => {
  await using user = await ordinaryUser();
  const staged = await stage(user.home, [{ path: 'a', content: '', uid: 5, gid: 6 }], { ownership: 'single' });
  const owner = `${process.geteuid?.()}:${process.getegid?.()}`;
  expect((await readTree(staged.path)).get('a')?.owner).toBe(owner);
  expect([...readIndex(staged.index)][0]).toMatchObject({ uid: 5, gid: 6 });
});
