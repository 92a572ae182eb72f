import { chmodSync, linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { compareTrees, requireRoot, requireTool, runCommand, temporaryDirectory } from '@boxkit/testkit';
import { expect, test } from 'vitest';
import { pathFromText, pathText, type BytePath } from '../byte-path.ts';
import { extracted } from '../extract/layer.fixture.ts';
import { packTree, type PackTreeOptions } from './pack-tree.ts';

const root = '' as BytePath;
const warned: string[] = [];
const onWarning = (code: string, path: BytePath): void => void warned.push(`${code} ${pathText(path)}`);

function pack(tree: string, options: Partial<PackTreeOptions> = {}): Buffer {
  return Buffer.concat([...packTree(tree, { at: root, owner: 'keep', onWarning, ...options })]);
}

const long = `${'directory-of-a-long-name/'.repeat(6)}${'file'.repeat(30)}`;

/** All that a tree can hold. */
async function fullTree(tree: string): Promise<void> {
  mkdirSync(join(tree, 'directory-of-a-long-name/'.repeat(6)), { recursive: true });
  writeFileSync(join(tree, long), 'long');
  linkSync(join(tree, long), join(tree, 'hard'));
  symlinkSync(long, join(tree, 'symlink'));
  linkSync(join(tree, 'symlink'), join(tree, 'symlink-again'));
  writeFileSync(Buffer.from(`${tree}/\xff no utf8`, 'latin1'), 'x');
  writeFileSync(join(tree, 'wörld'), '');
  writeFileSync(join(tree, 'setuid'), 'x'.repeat(600_000));
  chmodSync(join(tree, 'setuid'), 0o6751);
  mkdirSync(join(tree, 'sticky'));
  chmodSync(join(tree, 'sticky'), 0o1777);
  const script = `
    mkfifo fifo; mknod null c 1 3; mknod disk b 259 70000
    chown 3000000:12 setuid; chmod 6751 setuid; chown -h 7:8 symlink
    setfattr -n user.note -v "$(printf 'a\\nb')" setuid; setfattr -n user.empty sticky
    setcap cap_net_raw+ep hard
    touch -hd '1969-12-31 23:59:58.25 UTC' symlink; touch -d '2001-02-03 04:05:06.123456789 UTC' setuid fifo
    touch -d '1999-01-01 00:00:00.5 UTC' sticky`;
  await runCommand('sh', ['-ec', script], { cwd: tree });
}

test('GNU tar, bsdtar and box make the same tree of it', async (context) => {
  requireRoot(context);
  requireTool(context, 'bsdtar', 'setcap', 'setfattr');
  await using directory = await temporaryDirectory('pack');
  const tree = join(directory.path, 'tree');
  await mkdir(tree);
  await fullTree(tree);
  const tar = pack(tree);
  await writeFile(join(directory.path, 'layer.tar'), tar);
  const gnu = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '--delay-directory-restore'];
  for (const [tool, options] of [
    ['tar', gnu],
    ['bsdtar', ['--xattrs', '--numeric-owner']],
  ] as const) {
    const other = join(directory.path, tool);
    await mkdir(other);
    await runCommand(tool, [...options, '-xpf', '../layer.tar'], { cwd: other });
    // bsdtar keeps microseconds of symlinks and of times before 1970 only.
    const differences = await compareTrees(tree, other);
    expect(
      differences.filter((line) => !line.startsWith('.:') && !(tool === 'bsdtar' && line.includes('mtime'))),
    ).toEqual([]);
  }
  const { tree: own } = await extracted(tar);
  expect(own.get('setuid')).toMatchObject({ owner: '3000000:12', mode: '6751', mtime: '981173106123456789' });
  expect(own.get('hard')?.xattrs).toHaveProperty(['security.capability']);
});

test('the same tree gives the same bytes, wherever it is and in whatever order it was made', async () => {
  await using directory = await temporaryDirectory('pack');
  const make = (name: string, files: readonly string[]): Buffer => {
    const tree = join(directory.path, name);
    for (const file of files) {
      mkdirSync(join(tree, file, '..'), { recursive: true });
      writeFileSync(join(tree, file), file);
    }
    return pack(tree, { owner: { uid: 0, gid: 0 }, latest: 1000 });
  };
  const files = ['b', 'a/x', 'a-b', 'a.b', 'B', 'é'];
  const first = make('first', files);
  expect(make('second/below', files.toReversed()).equals(first)).toBe(true);
  const { index } = await extracted(first);
  expect(index.map(({ path }) => pathText(path))).toEqual(['B', 'a', 'a/x', 'a-b', 'a.b', 'b', 'é']);
  expect(new Set(index.map(({ mtime }) => mtime.seconds))).toEqual(new Set([1000]));
});

test('a time before the latest stays, with its fraction', async () => {
  await using directory = await temporaryDirectory('pack');
  await writeFile(join(directory.path, 'old'), '');
  await runCommand('touch', ['-d', '@900.25', join(directory.path, 'old')]);
  await writeFile(join(directory.path, 'new'), '');
  const { tree } = await extracted(pack(directory.path, { latest: 1000 }));
  expect([tree.get('old')?.mtime, tree.get('new')?.mtime]).toEqual(['900250000000', '1000000000000']);
});

test('a place in the image has an entry for itself and none for what is above it', async () => {
  await using directory = await temporaryDirectory('pack');
  await writeFile(join(directory.path, 'file'), 'x');
  linkSync(join(directory.path, 'file'), join(directory.path, 'link'));
  chmodSync(directory.path, 0o751);
  const { index, tree } = await extracted(pack(directory.path, { at: pathFromText('opt/nix') }));
  expect(index.filter(({ implied }) => !implied).map(({ path, link }) => [path, link])).toEqual([
    ['opt/nix', ''],
    ['opt/nix/file', ''],
    ['opt/nix/link', 'opt/nix/file'],
  ]);
  expect(tree.get('opt/nix')?.mode).toBe('0751');
  expect(tree.get('opt')?.mode).toBe('0755');
});

test('holes are holes in the layer, and small ones are written out', async () => {
  await using directory = await temporaryDirectory('pack');
  const file = await open(join(directory.path, 'holes'), 'w');
  await file.write(Buffer.from('start'), 0, null, 0);
  await file.write(Buffer.from('middle'), 0, null, 2 ** 24);
  await file.close();
  truncateSync(join(directory.path, 'holes'), 2 ** 25);
  writeFileSync(join(directory.path, 'small'), 'x');
  truncateSync(join(directory.path, 'small'), 100_000);
  writeFileSync(join(directory.path, 'void'), '');
  truncateSync(join(directory.path, 'void'), 2 ** 26);
  const tar = pack(directory.path);
  expect(tar.length).toBeLessThan(200_000);
  const other = join(directory.path, 'other');
  await mkdir(other);
  await runCommand('tar', ['-xpf', '-', '-C', other], { input: tar });
  const differences = await compareTrees(directory.path, other, { except: ['other'] });
  expect(differences.filter((line) => !line.startsWith('.:'))).toEqual([]);
});

test('a socket is left out, and told; a name that is a whiteout is told', async () => {
  await using directory = await temporaryDirectory('pack');
  const server = createServer().listen(join(directory.path, 'socket'));
  await once(server, 'listening');
  writeFileSync(join(directory.path, '.wh.gone'), '');
  warned.length = 0;
  const { index } = await extracted(pack(directory.path));
  server.close();
  expect(index.map(({ type, path }) => `${type} ${path}`)).toEqual(['whiteout gone']);
  expect(warned).toEqual(['whiteout-names .wh.gone', 'sockets-skipped socket']);
});

test('what is being written is left out', async () => {
  await using directory = await temporaryDirectory('pack');
  writeFileSync(join(directory.path, 'layer.tar'), 'x');
  writeFileSync(join(directory.path, 'other'), 'x');
  const { index } = await extracted(pack(directory.path, { without: ({ path }) => path === 'layer.tar' }));
  expect(index.map(({ path }) => path)).toEqual(['other']);
});

test('a file that becomes shorter while it is read is an error, and one that grows is taken as it was', async () => {
  await using directory = await temporaryDirectory('pack');
  const path = join(directory.path, 'file');
  writeFileSync(path, Buffer.alloc(3_000_000, 'x'));
  const chunks = packTree(directory.path, { at: root, owner: 'keep', onWarning });
  const parts = [chunks.next().value as Uint8Array];
  writeFileSync(path, Buffer.alloc(4_000_000, 'y'));
  parts.push(...chunks);
  const { tree } = await extracted(Buffer.concat(parts));
  expect(tree.get('file')?.size).toBe('3000000');
  const shrinking = packTree(directory.path, { at: root, owner: 'keep', onWarning });
  shrinking.next();
  truncateSync(path, 10);
  expect(() => [...shrinking]).toThrow(
    expect.objectContaining({ code: 'ERR_BOX_FILE_UNREADABLE', message: expect.stringContaining('shorter') as string }),
  );
});

test.each([
  ['is not there', 'missing', 'there is no such directory'],
  ['is a file', 'file', 'it is no directory'],
])('a tree that %s is an error that names it', async (_what, name, reason) => {
  await using directory = await temporaryDirectory('pack');
  writeFileSync(join(directory.path, 'file'), 'x');
  expect(() => pack(join(directory.path, name))).toThrow(
    expect.objectContaining({
      code: 'ERR_BOX_FILE_UNREADABLE',
      message: `cannot make a layer of ${join(directory.path, name)}: ${reason}`,
      hint: expect.any(String) as string,
    }),
  );
});
