import { mkdir, symlink, truncate, utimes, writeFile, link, open } from 'node:fs/promises';
import { join } from 'node:path';
import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  compareTrees,
  paxBlock,
  type RawTarBytes,
  requireRoot,
  requireTool,
  runCommand,
  temporaryDirectory,
  writeTar,
  type TarEntry,
} from '@boxkit/testkit';
import { extracted, failure, paths, sha256, stage } from '../extract/layer.fixture.ts';

const long = `${'directory-of-a-long-name/'.repeat(6)}${'file'.repeat(30)}`;

/** A tree with all that the formats differ in. */
async function sampleTree(root: string): Promise<void> {
  await mkdir(join(root, 'directory-of-a-long-name/'.repeat(6)), { recursive: true });
  await writeFile(join(root, long), 'long');
  await symlink(long, join(root, 'long-link'));
  await link(join(root, long), join(root, 'hard'));
  await writeFile(join(root, 'ascii'), 'x'.repeat(513));
  await writeFile(join(root, 'wörld'), '');
  await utimes(join(root, 'ascii'), 5, 1_700_000_000);
  const sparse = await open(join(root, 'sparse'), 'w');
  // More segments than one header has, and a hole at the end.
  for (let i = 0; i < 60; i++) await sparse.write(Buffer.from(`segment ${i}`), 0, null, i * 65_536);
  await sparse.close();
  await truncate(join(root, 'sparse'), 64 * 65_536 + 17);
}

const makers: readonly (readonly [name: string, program: string, args: readonly string[]])[] = [
  ['GNU', 'tar', ['--format=gnu', '--sparse']],
  ['old GNU', 'tar', ['--format=oldgnu', '--sparse']],
  ['POSIX', 'tar', ['--format=posix', '--sparse', '--sparse-version=1.0', '--xattrs']],
  ['POSIX with sparse 0.1', 'tar', ['--format=posix', '--sparse', '--sparse-version=0.1']],
  ['POSIX with sparse 0.0', 'tar', ['--format=posix', '--sparse', '--sparse-version=0.0']],
  ["bsdtar's pax", 'bsdtar', ['--format=pax', '--read-sparse']],
  ["bsdtar's GNU", 'bsdtar', ['--format=gnutar']],
];

test.each(makers)('%s is read as its own program reads it', async (_name, program, args) => {
  await using directory = await temporaryDirectory('formats');
  const root = join(directory.path, 'root');
  const other = join(directory.path, 'other');
  await mkdir(root);
  await mkdir(other);
  await sampleTree(root);
  await runCommand(program, [...args, '-cf', '../layer.tar', '.'], { cwd: root });
  const { stdout } = await runCommand('cat', [join(directory.path, 'layer.tar')], { encoding: 'latin1' });
  const staged = await stage(directory.path, Buffer.from(stdout, 'latin1'));
  await runCommand(program, ['-xpf', '../layer.tar'], { cwd: other });
  // bsdtar leaves the time of the working directory.
  const differences = await compareTrees(staged.path, other);
  expect(differences.filter((line) => program === 'tar' || !line.startsWith('.: mtime'))).toEqual([]);
});

const archivers: readonly (readonly [name: string, program: string, script: string])[] = [
  ["cpio's tar", 'cpio', 'find . -print0 | cpio -0 -o -H tar > ../layer.tar 2>/dev/null'],
  ["cpio's ustar", 'cpio', 'find . -print0 | cpio -0 -o -H ustar > ../layer.tar 2>/dev/null'],
  ["pax's tar", 'pax', 'pax -w -x tar -f ../layer.tar .'],
  ["pax's ustar", 'pax', 'pax -w -x ustar -f ../layer.tar .'],
  ["bsdtar's v7", 'bsdtar', 'bsdtar --format=v7 -cf ../layer.tar .'],
  ['GNU tar, names as bytes', 'tar', 'tar --format=posix --pax-option=hdrcharset=BINARY -cf ../layer.tar .'],
  [
    'GNU tar, a global header',
    'tar',
    'tar --format=posix --pax-option=comment:=x,globexthdr.name=g -cf ../layer.tar .',
  ],
  ['GNU tar, without an end mark', 'tar', 'tar -b1 -cf - . | head -c -1024 > ../layer.tar'],
  ['GNU tar, one block of zeros at the end', 'tar', 'tar -b1 -cf - . | head -c -512 > ../layer.tar'],
  ['GNU tar, other bytes behind the end', 'tar', '{ tar -b1 -cf - .; echo more; } > ../layer.tar'],
];

/** Everything that the oldest of them can write. */
const oldTree = `mkdir -p d/${'p'.repeat(60)} d/closed; cd d; echo hi > file; ln file hard; ln -s file symlink; ln symlink both
mkfifo fifo; mknod null c 1 3; mknod disk b 8 1; chmod 4755 file; chown 60000:60001 file; touch -d 2037-01-01 future
printf x > ${'p'.repeat(60)}/q; touch "$(printf '\\377\\376')" 'two
lines' ' space'; chmod 555 closed`;

test.for(archivers)('%s: read as GNU tar reads it', async ([_name, program, script], context) => {
  await using directory = await temporaryDirectory('formats');
  const [root, other] = [join(directory.path, 'root'), join(directory.path, 'other')];
  await mkdir(root);
  await mkdir(other);
  await runCommand('sh', ['-ec', oldTree], { cwd: root });
  requireTool(context, program);
  // Old formats have no place for devices and fifos: they are left out, and the status says so.
  await runCommand('sh', ['-c', `{ ${script}; } || true`], { cwd: root });
  await runCommand('tar', ['--delay-directory-restore', '-xpf', '../layer.tar'], { cwd: other });
  const { stdout } = await runCommand('cat', [join(directory.path, 'layer.tar')], { encoding: 'latin1' });
  const staged = await stage(directory.path, Buffer.from(stdout, 'latin1'));
  const differences = await compareTrees(staged.path, other);
  expect(differences.filter((line) => !line.startsWith('.: mtime'))).toEqual([]);
  expect(staged.warnings).toEqual([]);
});

test.each([
  ['v7', ['--format=v7']],
  ['ustar', ['--format=ustar']],
] as const)('%s is read as GNU tar reads it', async (_name, args) => {
  await using directory = await temporaryDirectory('formats');
  const root = join(directory.path, 'root');
  const other = join(directory.path, 'other');
  await mkdir(join(root, 'p'.repeat(80)), { recursive: true });
  await mkdir(other);
  await writeFile(join(root, 'p'.repeat(80), args[0] === '--format=ustar' ? 'q'.repeat(90) : 'q'), 'x');
  await symlink('p', join(root, 'link'));
  await link(join(root, 'link'), join(root, 'hard'));
  await runCommand('tar', [...args, '-cf', '../layer.tar', '.'], { cwd: root });
  const { stdout } = await runCommand('cat', [join(directory.path, 'layer.tar')], { encoding: 'latin1' });
  const staged = await stage(directory.path, Buffer.from(stdout, 'latin1'));
  await runCommand('tar', ['-xpf', '../layer.tar'], { cwd: other });
  expect(await compareTrees(staged.path, other)).toEqual([]);
});

test.each([
  ['--format=gnu'],
  ['--format=oldgnu'],
  ['--format=posix'],
  ['--format=posix', '--sparse-version=0.1'],
  ['--format=posix', '--sparse-version=0.0'],
])('holes stay holes (%s %s)', async (...options) => {
  await using directory = await temporaryDirectory('formats');
  const root = join(directory.path, 'root');
  await mkdir(root);
  await writeFile(join(root, 'holes'), 'start');
  await truncate(join(root, 'holes'), 2 ** 30);
  await runCommand('tar', [...options, '--sparse', '-cf', '../layer.tar', '.'], { cwd: root });
  const { stdout } = await runCommand('cat', [join(directory.path, 'layer.tar')], { encoding: 'latin1' });
  const staged = await stage(directory.path, Buffer.from(stdout, 'latin1'));
  const { size, blocks } = statSync(join(staged.path, 'holes'));
  expect(size).toBe(2 ** 30);
  expect(blocks).toBeLessThan(64);
});

test('pax: path, linkpath, size, uid, gid and mtime beat the header; an empty value gives them back', async () => {
  const { tree } = await extracted([
    {
      path: 'short',
      content: 'abc',
      pax: { path: 'päth', uid: '70000', gid: '3000000000', mtime: '9.25', comment: 'x' },
    },
    { path: 'kept', content: '', uid: 3, pax: { path: '', uid: '' } },
    { path: 'link', type: 'symlink', link: 'x', pax: { linkpath: 'y'.repeat(200) } },
  ]);
  expect(paths(tree)).toEqual(['kept', 'link', 'pÃ¤th']);
  expect(tree.get('pÃ¤th')).toMatchObject({ owner: '70000:3000000000', mtime: '9250000000', size: '3' });
  expect(tree.get('kept')?.owner).toBe('3:0');
  expect(tree.get('link')?.link).toBe('y'.repeat(200));
});

test('pax: a global header holds for all that follow, until their own', async () => {
  const { tree } = await extracted([
    { raw: Buffer.concat(paxBlock('g', { mtime: '77', comment: 'commit' })) },
    { path: 'a', content: '' },
    { path: 'b', content: '', pax: { mtime: '78' } },
  ]);
  expect([tree.get('a')?.mtime, tree.get('b')?.mtime]).toEqual(['77000000000', '78000000000']);
});

test('pax: of two headers before one entry the second holds alone', async () => {
  const header = (records: Record<string, string>): RawTarBytes => ({ raw: Buffer.concat(paxBlock('x', records)) });
  const { tree } = await extracted([
    header({ path: 'first', uid: '7' }),
    header({ gid: '8' }),
    { path: 'own', content: '' },
  ]);
  expect([...tree].map(([path, { owner }]) => [path, owner])).toEqual([
    ['.', '0:0'],
    ['own', '0:8'],
  ]);
});

test("pax: Python's small and large times are read", async () => {
  const { tree } = await extracted([
    { path: 'small', content: '', pax: { mtime: '-1e-09' } },
    { path: 'large', content: '', pax: { mtime: '1.5e+09' } },
  ]);
  expect([tree.get('small')?.mtime, tree.get('large')?.mtime]).toEqual(['-1', '1500000000000000000']);
});

test("pax: libarchive's xattrs are base64 with an encoded name", async () => {
  const { tree } = await extracted([{ path: 'f', content: '', pax: { 'LIBARCHIVE.xattr.user.a%20b': 'AP8' } }]);
  expect(tree.get('f')?.xattrs).toEqual({ 'user.a b': '0x00ff' });
});

test('a file of more than 8 GiB has its size in base 256 or pax', async () => {
  for (const format of ['gnu', 'pax'] as const) {
    const tar = writeTar([{ path: 'f', content: '', size: 2 ** 34 }], { format, end: false });
    const error = await failure(tar);
    expect(error).toMatchObject({ code: 'ERR_BOX_LAYER_INVALID', fields: { entry: 'f' } });
    expect(error.message).toContain('in the middle');
  }
});

test('type 7 is a file; an old directory is a file whose name ends with a slash', async () => {
  const { tree } = await extracted([
    { path: 'contiguous', typeflag: '7', content: 'x' },
    { path: 'old/', typeflag: '\0', mode: 0o700 },
    { path: 'old/f', typeflag: '\0', content: 'y' },
  ]);
  expect(['contiguous', 'old', 'old/f'].map((path) => tree.get(path)?.type)).toEqual(['file', 'directory', 'file']);
});

test.each(['pax', 'gnu'] as const)(
  'a long name whose header is cut off behind a slash is no directory (%s)',
  async (format) => {
    const { tree } = await extracted(writeTar([{ path: `${'d'.repeat(99)}/file`, content: 'x' }], { format }));
    expect(tree.get(`${'d'.repeat(99)}/file`)?.type).toBe('file');
  },
);

test('the data of a hardlink is passed over, where it has some', async () => {
  const entries: TarEntry[] = [
    { path: 'a', content: 'abc' },
    { path: 'b', type: 'hardlink', link: 'a', content: 'abc', pax: { size: '3' } },
    { path: 'c', type: 'hardlink', link: 'a', content: 'abc' },
    { path: 'd', type: 'hardlink', link: 'a', size: 3 },
    { path: 'e', content: 'e' },
  ];
  const { tree } = await extracted(entries);
  expect(paths(tree)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('checksums of signed bytes are accepted, wrong ones are not', async () => {
  const tar = writeTar([{ path: Buffer.alloc(20, 0xff), content: '' }]);
  const header = tar.subarray(0, 512);
  header.fill(0x20, 148, 156);
  const signed = header.reduce((sum, byte) => sum + (byte > 127 ? byte - 256 : byte), 0);
  header.write(`${signed.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  expect(paths((await extracted(tar)).tree)).toHaveLength(1);
  header[0] = (header[0] ?? 0) ^ 1;
  expect((await failure(tar)).code).toBe('ERR_BOX_LAYER_INVALID');
});

test.each([
  ['a length that lies', '99 path=x\n'],
  ['no equals sign', '8 path\n\n'],
  ['no key', '5 =x\n'],
  ['a NUL in a path', '11 path=a\0b\n'],
  ['a size that is no number', '12 size=1e3\n'],
  ['a negative size', '11 size=-4\n'],
  ['an mtime that is no number', '11 mtime=x\n'],
])('pax: %s is an error', async (_name, record) => {
  const raw = Buffer.from(writeTar([{ path: 'x', typeflag: 'x', content: record }], { end: false }));
  expect((await failure([{ raw }, { path: 'f', content: '' }])).code).toBe('ERR_BOX_LAYER_INVALID');
});

test.each([
  ['in a header', 700],
  ['in the data', 1024 + 512 + 100],
  ['in an extended header', 100],
])('a tar that ends %s is an error', async (_name, length) => {
  const tar = writeTar([
    { path: 'a', content: '', pax: { comment: 'x' } },
    { path: 'b', content: 'x'.repeat(2000) },
  ]);
  expect(await failure(tar.subarray(0, length))).toMatchObject({ code: 'ERR_BOX_LAYER_INVALID' });
});

test('a tar without an end mark is complete; bytes after the mark are read and belong to the diffID', async () => {
  const tar = writeTar([{ path: 'a', content: 'x' }]);
  expect(paths((await extracted(tar.subarray(0, 1024))).tree)).toEqual(['a']);
  const trailed = Buffer.concat([tar, Buffer.alloc(10_240, 7)]);
  const { staged } = await extracted(trailed);
  expect(staged.tarBytes).toBe(trailed.length);
  const { diffId } = (await extracted(tar)).staged.layer;
  expect((await failure(trailed, { diffId })).code).toBe('ERR_BOX_DIFFID_MISMATCH');
});

test('an entry after a single block of zeros is an error, not lost in silence', async () => {
  const tar = writeTar([{ path: 'a', content: '' }, { raw: Buffer.alloc(512) }, { path: 'b', content: '' }]);
  expect((await failure(tar)).code).toBe('ERR_BOX_LAYER_INVALID');
});

test('what is no tar is an error that says so', async () => {
  const error = await failure(Buffer.from('#!/bin/sh\n'.repeat(100)));
  expect(error.code).toBe('ERR_BOX_LAYER_INVALID');
  expect(error.message).toContain('no tar');
});

test('devices keep their numbers in every format', async (context) => {
  requireRoot(context);
  requireTool(context, 'bsdtar');
  await using directory = await temporaryDirectory('formats');
  const root = join(directory.path, 'root');
  await mkdir(root);
  await runCommand('mknod', [join(root, 'b'), 'b', '8', '1']);
  await runCommand('mknod', [join(root, 'c'), 'c', '300', '100000']);
  for (const [program, format] of [
    ['tar', 'gnu'],
    ['tar', 'posix'],
    ['bsdtar', 'pax'],
  ] as const) {
    await runCommand(program, [`--format=${format}`, '-cf', '../layer.tar', '.'], { cwd: root });
    const { stdout } = await runCommand('cat', [join(directory.path, 'layer.tar')], { encoding: 'latin1' });
    const staged = await stage(directory.path, Buffer.from(stdout, 'latin1'));
    expect(await compareTrees(staged.path, root, { ignore: ['mtime'] })).toEqual([]);
  }
});

/** A sparse file as star writes it: its map in the header, or, where that has a prefix, in blocks behind it. */
function starSparse(segments: readonly (readonly [offset: number, data: string])[], prefix: string): Buffer {
  const octal = (value: number): string => `${value.toString(8).padStart(11, '0')} `;
  const header = Buffer.alloc(512);
  const put = (text: string, at: number): number => header.write(text, at, 'latin1');
  const extensions: Buffer[] = [];
  const inHeader = prefix === '' ? 4 : 0;
  segments.forEach(([offset, data], position) => {
    const text = octal(offset) + octal(data.length);
    if (position < inHeader) {
      put(text, 356 + 24 * position);
      return;
    }
    const [block, place] = [Math.floor((position - inHeader) / 21), (position - inHeader) % 21];
    (extensions[block] ??= Buffer.alloc(512)).write(text, 24 * place, 'latin1');
  });
  extensions.slice(0, -1).forEach((block) => (block[504] = 1));
  const data = Buffer.from(segments.map(([, text]) => text).join(''));
  put('holes', 0);
  put('0000644', 100);
  for (const at of [108, 116]) put('0000000', at);
  put(octal(data.length + 512 * extensions.length), 124);
  put(octal(1_700_000_000), 136);
  put('S', 156);
  put('ustar\u000000', 257);
  put(prefix, 345);
  if (inHeader > 0 && extensions.length > 0) header[355] = 1;
  put(octal(100_000), 452);
  for (const at of [476, 488]) put(octal(1_700_000_000), at);
  put('tar\0', 508);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc(-data.length & 511);
  return Buffer.concat([header, ...extensions, data, padding, writeTar([{ path: 'after', content: 'x' }])]);
}

test.each([
  ['in the header', 3, ''],
  ['in the header and one block', 20, ''],
  ['in blocks', 60, 'some/prefix'],
])("star's old sparse files are read, their map %s", async (_name, count, prefix) => {
  const segments = Array.from({ length: count }, (_none, at) => [at * 1000 + 5, `data ${at}`] as const);
  const { tree } = await extracted(starSparse(segments, prefix));
  const content = Buffer.alloc(100_000);
  for (const [offset, data] of segments) content.write(data, offset, 'latin1');
  const path = prefix === '' ? 'holes' : `${prefix}/holes`;
  expect(tree.get(path)).toMatchObject({ size: '100000', content: sha256(content).slice(7) });
  expect(tree.get('after')?.type).toBe('file');
});

test("star's sparse map must fit its data", async () => {
  const tar = starSparse([[5, 'data']], '');
  tar.write('00000000009 ', 124, 'latin1');
  tar.fill(' ', 148, 156);
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  expect((await failure(tar)).code).toBe('ERR_BOX_LAYER_INVALID');
});
