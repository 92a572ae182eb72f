import { expect, test } from 'vitest';
import type { RawTarBytes, TarEntry } from '@boxkit/testkit';
import { extracted, failure, paths } from './layer.fixture.ts';

type Entries = readonly (TarEntry | RawTarBytes)[];

const directory = (path: string, more: Partial<TarEntry> = {}): TarEntry => ({ path, type: 'directory', ...more });
const file = (path: string, content = path): TarEntry => ({ path, content });
const symlink = (path: string, link: string): TarEntry => ({ path, type: 'symlink', link });
const hardlink = (path: string, link: string): TarEntry => ({ path, type: 'hardlink', link });

async function pathsOf(entries: Entries): Promise<string[]> {
  return paths((await extracted(entries)).tree);
}

test('a whiteout is listed and not in the tree', async () => {
  const { staged, tree, index } = await extracted([directory('a/'), file('a/.wh.gone'), file('a/b')]);
  expect(paths(tree)).toEqual(['a', 'a/b']);
  expect(staged.whiteouts).toEqual(['a/gone']);
  expect(index.filter(({ type }) => type === 'whiteout').map(({ path, made }) => [path, made])).toEqual([
    ['a/gone', false],
  ]);
});

test.each(['before', 'after'])("a whiteout spares its own layer's entry that comes %s it", async (place) => {
  const entries = place === 'before' ? [file('x'), file('.wh.x')] : [file('.wh.x'), file('x')];
  const { staged, tree } = await extracted(entries);
  expect(paths(tree)).toEqual(['x']);
  expect(staged.whiteouts).toEqual(['x']);
});

test('an opaque marker is told from a whiteout, wherever it stands, and spares its own layer', async () => {
  const { staged, tree } = await extracted([
    directory('d/'),
    file('d/own'),
    file('d/.wh..wh..opq'),
    file('.wh..wh..opq'),
  ]);
  expect(paths(tree)).toEqual(['d', 'd/own']);
  expect(staged.opaques).toEqual(['d', '']);
  expect(staged.whiteouts).toEqual([]);
});

test("AUFS's own files are skipped; its link sources can be hardlinked to", async () => {
  const { staged, tree } = await extracted([
    directory('.wh..wh.plnk/'),
    file('.wh..wh.plnk/12.34', 'shared'),
    file('.wh..wh.aufs'),
    directory('.wh..wh.orph/'),
    file('d/.wh..wh.other'),
    hardlink('one', '.wh..wh.plnk/12.34'),
    hardlink('two', '/.wh..wh.plnk/12.34'),
  ]);
  expect(paths(tree)).toEqual(['one', 'two']);
  expect(tree.get('two')?.sameAs).toBe('one');
  expect(staged.whiteouts).toEqual([]);
  expect(staged.deferredHardlinks).toEqual([]);
});

test.each(['.wh.', 'a/.wh.', '.wh..', '.wh...'])('a whiteout that names nothing is an error: %s', async (path) => {
  expect(await failure([file(path)])).toMatchObject({
    code: 'ERR_BOX_LAYER_INVALID',
    fields: { entry: path, offset: 0 },
  });
});

test('an entry below a whiteout is an error', async () => {
  expect((await failure([file('.wh.a/b')])).code).toBe('ERR_BOX_LAYER_INVALID');
});

test('the type of a whiteout is of no account', async () => {
  const { staged, tree } = await extracted([
    symlink('.wh.a', '/etc'),
    directory('.wh.b/'),
    { path: '.wh.c', type: 'char' },
    hardlink('.wh.d', 'nowhere'),
    symlink('x/.wh..wh..opq', 'y'),
  ]);
  expect(paths(tree)).toEqual([]);
  expect(staged.whiteouts).toEqual(['a', 'b', 'c', 'd']);
  expect(staged.opaques).toEqual(['x']);
});

test('a whiteout with content is passed over whole', async () => {
  expect(await pathsOf([file('.wh.a', 'x'.repeat(2000)), file('b')])).toEqual(['b']);
});

test('a directory over a directory keeps the children and replaces mode, owner, times and xattrs', async () => {
  const { tree, index } = await extracted([
    directory('d/', { mode: 0o700, uid: 1, xattrs: { 'user.old': 'x' } }),
    file('d/child'),
    directory('d/', { mode: 0o2751, uid: 5, gid: 6, mtime: 12, xattrs: { 'user.new': 'y' } }),
  ]);
  expect(tree.get('d')).toEqual({
    type: 'directory',
    mode: '2751',
    owner: '5:6',
    mtime: '12000000000',
    xattrs: { 'user.new': '0x79' },
  });
  expect(paths(tree)).toEqual(['d', 'd/child']);
  expect(index.filter(({ path }) => path === 'd')).toHaveLength(1);
});

test('every other clash removes the old before it creates the new', async () => {
  const { tree, staged, index } = await extracted([
    file('a', 'old'),
    hardlink('b', 'a'),
    file('a', 'new'),
    directory('c/d/'),
    file('c/d/e'),
    file('c', 'now a file'),
    symlink('f', 'a'),
    file('f', 'now a file'),
    file('g'),
    symlink('g', 'a'),
    file('h'),
    directory('h/'),
  ]);
  expect(tree.get('b')?.content).not.toBe(tree.get('a')?.content);
  expect(index.find(({ path }) => path === 'b')).toMatchObject({ type: 'file', size: 3 });
  expect(['a', 'b', 'c', 'f', 'g', 'h'].map((path) => tree.get(path)?.type)).toEqual([
    'file',
    'file',
    'file',
    'file',
    'symlink',
    'directory',
  ]);
  expect(index.map(({ path }) => path).toSorted()).toEqual(['a', 'b', 'c', 'f', 'g', 'h']);
  expect(staged.entries).toBe(6);
  expect(staged.bytes).toBe('old'.length + 'new'.length + 2 * 'now a file'.length);
});

test('an explicit directory replaces a symlink', async () => {
  const { tree } = await extracted([directory('real/'), symlink('link', 'real'), directory('link/'), file('link/x')]);
  expect(tree.get('link')?.type).toBe('directory');
  expect(paths(tree)).toEqual(['link', 'link/x', 'real']);
});

test('an implied parent follows a symlink of the same layer, inside the root only', async () => {
  const { tree, index } = await extracted([
    symlink('lib', 'usr/lib'),
    file('lib/a'),
    symlink('abs', '/usr/share'),
    file('abs/b'),
    symlink('out', '../../../../../usr'),
    file('out/c'),
    symlink('chain', 'lib/more'),
    file('chain/d'),
  ]);
  expect(paths(tree).filter((path) => tree.get(path)?.type === 'file')).toEqual([
    'usr/c',
    'usr/lib/a',
    'usr/lib/more/d',
    'usr/share/b',
  ]);
  expect(index.filter(({ type }) => type === 'file').map(({ path }) => path)).toEqual([
    'usr/lib/a',
    'usr/share/b',
    'usr/c',
    'usr/lib/more/d',
  ]);
});

test('symlinks that lead in a circle are an error', async () => {
  expect((await failure([symlink('a', 'b'), symlink('b', 'a'), file('a/x')])).code).toBe('ERR_BOX_LAYER_INVALID');
});

test('a whiteout below a symlink of its own layer hides what that leads to', async () => {
  const { staged } = await extracted([file('lib/.wh.x'), symlink('lib', 'usr/lib'), file('lib/deep/.wh.y')]);
  expect(staged.whiteouts).toEqual(['usr/lib/x', 'usr/lib/deep/y']);
});

test('implied directories are listed, parents first, and 0755 0:0', async () => {
  const { staged, tree, index } = await extracted([file('a/b/c'), directory('a/b/d/'), directory('e/')]);
  expect(staged.impliedDirectories).toEqual(['a', 'a/b']);
  expect(tree.get('a')).toMatchObject({ mode: '0755', owner: '0:0' });
  expect(index.filter(({ implied }) => implied).map(({ path }) => path)).toEqual(['a', 'a/b']);
});

test('an entry for a directory that was implied before makes it explicit', async () => {
  const { staged, tree } = await extracted([file('a/b'), directory('a/', { mode: 0o711 })]);
  expect(staged.impliedDirectories).toEqual([]);
  expect(tree.get('a')?.mode).toBe('0711');
});

test('an ancestor that is no directory is replaced', async () => {
  const { tree } = await extracted([file('a'), file('a/b'), { path: 'p', type: 'fifo' }, directory('p/q/')]);
  expect(paths(tree)).toEqual(['a', 'a/b', 'p', 'p/q']);
});

test('the same path twice: the last wins, also as another spelling', async () => {
  const { tree, index } = await extracted([file('a', '1'), file('./a', '22'), file('//a', '333')]);
  expect(tree.get('a')?.size).toBe('3');
  expect(index).toHaveLength(1);
});

test('hardlink targets count from the root, absolute ones too', async () => {
  const { tree } = await extracted([
    file('d/a'),
    hardlink('d/b', 'd/a'),
    hardlink('d/c', '/d/a'),
    hardlink('e', './d/./a'),
  ]);
  expect(['d/b', 'd/c', 'e'].map((path) => tree.get(path)?.sameAs)).toEqual(['d/a', 'd/a', 'd/a']);
});

test('what a hardlink says of owner, mode and time changes nothing of its file', async () => {
  const { tree } = await extracted([
    { path: 'a', content: 'x', mode: 0o640, uid: 7, mtime: 9 },
    { ...hardlink('b', 'a'), mode: 0o777, uid: 8, mtime: 10, xattrs: { 'user.x': '1' } },
  ]);
  expect(tree.get('b')).toMatchObject({ mode: '0640', owner: '7:0', mtime: '9000000000', sameAs: 'a', xattrs: {} });
});

test('a hardlink to a symlink is a link to the symlink itself', async () => {
  const { tree } = await extracted([symlink('s', '/etc/passwd'), hardlink('t', 's')]);
  expect(tree.get('t')).toMatchObject({ type: 'symlink', sameAs: 's' });
});

test('a hardlink to a target that comes later is made at the end of the layer', async () => {
  const { staged, tree, index } = await extracted([hardlink('x', 'y'), hardlink('w', 'x'), file('y')]);
  expect(paths(tree).map((path) => tree.get(path)?.sameAs)).toEqual(['w', 'w', 'w']);
  expect(staged.deferredHardlinks).toEqual([]);
  expect(index.map(({ path }) => path).toSorted()).toEqual(['w', 'x', 'y']);
});

test('a chain of hardlinks, each to the next, is made in one pass', async () => {
  const chain = Array.from({ length: 3000 }, (_, i) => hardlink(`l${i}`, `l${i + 1}`));
  const { staged, tree } = await extracted([...chain, file('l3000')]);
  expect(staged.deferredHardlinks).toEqual([]);
  expect(tree.get('l2999')?.sameAs).toBe('l0');
});

test('a hardlink to what only a lower layer can have is deferred, and its old path cleared', async () => {
  const { staged, tree, index } = await extracted([
    file('d/l', 'old'),
    hardlink('d/l', 'lower/file'),
    hardlink('m', 'd/l'),
  ]);
  expect(paths(tree)).toEqual(['d']);
  expect(staged.deferredHardlinks).toEqual([
    { path: 'd/l', target: 'lower/file' },
    { path: 'm', target: 'd/l' },
  ]);
  expect(index.filter(({ deferred }) => deferred).map(({ path, link }) => [path, link])).toEqual([
    ['d/l', 'lower/file'],
    ['m', 'd/l'],
  ]);
});

test('a later entry takes the place of a deferred hardlink', async () => {
  const { staged, tree } = await extracted([
    hardlink('x', 'lower'),
    file('x'),
    hardlink('y', 'lower'),
    directory('y/'),
  ]);
  expect(staged.deferredHardlinks).toEqual([]);
  expect(paths(tree)).toEqual(['x', 'y']);
});

test('a hardlink over an existing file replaces it; one to itself changes nothing', async () => {
  const { tree, index } = await extracted([file('a', '1'), file('b', '2'), hardlink('b', 'a'), hardlink('a', 'a')]);
  expect(tree.get('b')?.sameAs).toBe('a');
  expect(index.map(({ path, type }) => [path, type])).toEqual([
    ['a', 'file'],
    ['b', 'hardlink'],
  ]);
});

test('a hardlink to a directory is an error', async () => {
  expect((await failure([directory('d/'), hardlink('x', 'd')])).code).toBe('ERR_BOX_LAYER_INVALID');
  expect((await failure([hardlink('x', '/')])).code).toBe('ERR_BOX_LAYER_INVALID');
  expect((await failure([file('a/b'), hardlink('a', 'a/b')])).code).toBe('ERR_BOX_LAYER_INVALID');
});

test('a leading / or ./ is stripped; .. inside the root is taken back', async () => {
  expect(await pathsOf([file('/a'), file('./b'), file('.//./c'), file('d/../e'), directory('/f//g/')])).toEqual([
    'a',
    'b',
    'c',
    'e',
    'f',
    'f/g',
  ]);
});

test.each(['../x', '/../x', 'a/../../x', './..', '..'])('a name that leaves the root is an error: %s', async (path) => {
  expect(await failure([file(path)])).toMatchObject({ code: 'ERR_BOX_LAYER_UNSAFE', fields: { entry: path } });
  expect((await failure([file('a'), hardlink('b', path)])).code).toBe('ERR_BOX_LAYER_UNSAFE');
});

test("an entry . sets the root's attributes; anything but a directory there is an error", async () => {
  const { staged, tree } = await extracted([directory('./', { mode: 0o1777, uid: 3, gid: 4, mtime: 5 })]);
  expect(tree.get('.')).toMatchObject({ mode: '1777', owner: '3:4', mtime: '5000000000' });
  expect(staged.rootEntry).toBe(true);
  expect((await extracted([file('a')])).staged.rootEntry).toBe(false);
  expect((await failure([file('.')])).code).toBe('ERR_BOX_LAYER_INVALID');
  expect((await failure([symlink('/', 'etc')])).code).toBe('ERR_BOX_LAYER_INVALID');
});

test('numeric ids beat names', async () => {
  const { tree } = await extracted([{ path: 'a', content: '', uid: 4711, gid: 4712, uname: 'root', gname: 'root' }]);
  expect(tree.get('a')?.owner).toBe('4711:4712');
});

test('setuid, setgid and sticky survive the change of owner', async () => {
  const { tree } = await extracted([
    { path: 'su', content: 'x', mode: 0o4755, uid: 7, gid: 8 },
    { path: 'sg', content: 'x', mode: 0o2755 },
    directory('t/', { mode: 0o3777, gid: 50 }),
    file('t/in'),
    directory('t/sub/'),
  ]);
  expect(['su', 'sg', 't', 't/in', 't/sub'].map((path) => [tree.get(path)?.mode, tree.get(path)?.owner])).toEqual([
    ['4755', '7:8'],
    ['2755', '0:0'],
    ['3777', '0:50'],
    ['0644', '0:0'],
    ['0755', '0:0'],
  ]);
});

test('file capabilities survive the change of owner', async () => {
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  const { tree } = await extracted([
    { path: 'ping', content: 'x', uid: 5, mode: 0o755, xattrs: { 'security.capability': capability } },
  ]);
  expect(tree.get('ping')?.xattrs['security.capability']).toBe(`0x${capability.toString('hex')}`);
});

test('modes are exact, whatever the umask; also 0 and write-only', async () => {
  const { tree } = await extracted([
    ...[0, 0o222, 0o777, 0o666, 0o7777].map((mode): TarEntry => ({ path: `f${mode}`, content: 'x', mode })),
    directory('d/', { mode: 0o000 }),
    file('d/inside'),
    { path: 'p', type: 'fifo', mode: 0o622 },
  ]);
  expect(['f0', 'f146', 'f511', 'f438', 'f4095', 'd', 'p'].map((path) => tree.get(path)?.mode)).toEqual([
    '0000',
    '0222',
    '0777',
    '0666',
    '7777',
    '0000',
    '0622',
  ]);
});

test('times have nanoseconds and may lie before 1970 or after 2038; symlinks and directories too', async () => {
  const { tree, index } = await extracted([
    { path: 'a', content: '', mtime: '1700000000.123456789' },
    { path: 's', type: 'symlink', link: 'a', mtime: '12.5' },
    { path: 'neg', content: '', mtime: '-1.25' },
    { path: 'far', content: '', mtime: 5_000_000_000 },
    directory('d/', { mtime: '3.000000001' }),
    file('d/x'),
  ]);
  expect(['a', 's', 'neg', 'far', 'd'].map((path) => tree.get(path)?.mtime)).toEqual([
    '1700000000123456789',
    '12500000000',
    '-1250000000',
    '5000000000000000000',
    '3000000001',
  ]);
  expect(index.find(({ path }) => path === 'neg')?.mtime).toEqual({ seconds: -2, nanoseconds: 750_000_000 });
});

test('xattrs have binary values, also on directories, symlinks and files without permissions', async () => {
  const value = Buffer.from([0, 1, 0xff, 0x0a, 0x3d]);
  const { tree, index } = await extracted([
    { path: 'f', content: 'x', mode: 0o400, xattrs: { 'user.x': value, 'user.empty': '' } },
    directory('d/', { xattrs: { 'user.x': value } }),
    { path: 's', type: 'symlink', link: 'f', xattrs: { 'trusted.x': value } },
  ]);
  expect(tree.get('f')?.xattrs).toEqual({ 'user.empty': '0x', 'user.x': '0x0001ff0a3d' });
  expect(tree.get('d')?.xattrs).toEqual({ 'user.x': '0x0001ff0a3d' });
  expect(tree.get('s')?.xattrs).toEqual({ 'trusted.x': '0x0001ff0a3d' });
  expect(index[0]?.xattrs?.get('user.x')).toEqual(Uint8Array.from(value));
});

test('security.selinux is dropped; an xattr that cannot be held is one warning', async () => {
  const { staged, tree } = await extracted([
    { path: 'f', content: '', xattrs: { 'security.selinux': 'x', 'user.a': '1' } },
    { path: 's', type: 'symlink', link: 'f', xattrs: { 'user.not-on-symlinks': '1' } },
    { path: 't', type: 'symlink', link: 'f', xattrs: { 'user.not-on-symlinks': '1' } },
    { path: 'u', content: '', xattrs: { 'nonsense.name': '1' } },
  ]);
  expect(Object.keys(tree.get('f')?.xattrs ?? {})).toEqual(['user.a']);
  expect(staged.warnings).toMatchObject([{ code: 'xattrs-skipped', count: 3 }]);
});

test('device nodes and fifos are made', async () => {
  const { tree } = await extracted([
    { path: 'null', type: 'char', major: 1, minor: 3, mode: 0o666 },
    { path: 'big', type: 'block', major: 259, minor: 70_000, uid: 2 },
    { path: 'zero', type: 'char', major: 0, minor: 0 },
    { path: 'pipe', type: 'fifo', gid: 9 },
  ]);
  expect(tree.get('null')).toMatchObject({ type: 'char', device: '1:3', mode: '0666' });
  expect(tree.get('big')).toMatchObject({ type: 'block', device: '259:70000', owner: '2:0' });
  expect(tree.get('zero')).toMatchObject({ type: 'char', device: '0:0' });
  expect(tree.get('pipe')).toMatchObject({ type: 'fifo', owner: '0:9' });
});

test('names are bytes, not text', async () => {
  const name = Buffer.from([0x61, 0xff, 0xfe, 0x0a, 0x20, 0xc3]);
  const { tree, index } = await extracted([
    { path: name, content: 'x' },
    { path: Buffer.concat([name, Buffer.from('/x')]), type: 'symlink', link: name },
    { path: 'é', content: '' },
  ]);
  const latin1 = name.toString('latin1');
  expect(paths(tree)).toEqual([latin1, `${latin1}/x`, 'Ã©']);
  expect(tree.get(`${latin1}/x`)?.link).toBe(latin1);
  expect(index.map(({ path }) => path)).toEqual([`${latin1}/x`, 'Ã©', latin1]);
});

test('unknown types are skipped with their data, in one warning', async () => {
  const { staged, tree } = await extracted([
    { path: 'odd', typeflag: 'Q', content: 'x'.repeat(700) },
    { path: 'odder', typeflag: 'Q', content: 'x' },
    file('a'),
  ]);
  expect(paths(tree)).toEqual(['a']);
  expect(staged.warnings).toMatchObject([{ code: 'type-skipped', count: 2 }]);
});

test('an empty tar is an empty layer', async () => {
  expect(await pathsOf([])).toEqual([]);
  expect(paths((await extracted(Buffer.alloc(0))).tree)).toEqual([]);
});
