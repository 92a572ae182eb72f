import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compareTrees, requireRoot, requireTool, runCommand, temporaryDirectory } from '@boxkit/testkit';
import { extracted, stage } from '../extract/layer.fixture.ts';
import { aclValue } from './posix-acl.ts';

test.each([
  ['tar', ['--format=posix', '--acls', '--xattrs', '--numeric-owner']],
  ['bsdtar', ['--format=pax', '--acls', '--numeric-owner']],
] as const)('ACLs that %s wrote are those of the files', async (program, args) => {
  await using directory = await temporaryDirectory('acl');
  const root = join(directory.path, 'root');
  await mkdir(join(root, 'd'), { recursive: true });
  await writeFile(join(root, 'f'), 'x', { mode: 0o640 });
  await runCommand('setfacl', ['-m', 'u:1234:rw,g:5555:r,u:7777:-', join(root, 'f')]);
  await runCommand('setfacl', ['-d', '-m', 'u:1234:rwx,o::-', join(root, 'd')]);
  await runCommand(program, [...args, '-cf', '../layer.tar', '.'], { cwd: root });
  const { stdout } = await runCommand('cat', [join(directory.path, 'layer.tar')], { encoding: 'latin1' });
  const staged = await stage(directory.path, Buffer.from(stdout, 'latin1'));
  const differences = await compareTrees(staged.path, root);
  expect(differences.filter((line) => !line.startsWith('.: mtime'))).toEqual([]);
  expect(staged.warnings).toEqual([]);
});

test("star's form has the number of a name behind it; without one it is warned of, and kept in the index", async () => {
  const acl = 'user::rw-,user:lisa:r-x:502,group::r--,mask::r-x,other::---';
  const { tree, index, staged } = await extracted([
    { path: 'known', content: '', pax: { 'SCHILY.acl.access': acl } },
    { path: 'unknown', content: '', pax: { 'SCHILY.acl.access': acl.replace(':502', '') } },
  ]);
  expect(tree.get('known')?.xattrs['system.posix_acl_access']).toContain('f6010000');
  expect(tree.get('unknown')?.xattrs).toEqual({});
  expect(index.find(({ path }) => path === 'unknown')?.xattrs?.has('SCHILY.acl.access')).toBe(true);
  expect(staged.warnings).toMatchObject([{ code: 'xattrs-skipped', count: 1 }]);
});

test('an ACL that is there as an xattr too is the xattr, wherever it stands', async () => {
  const value = aclValue('user::rw-,user:77:r--,group::r--,mask::r--,other::---') ?? new Uint8Array();
  const [text, xattr] = [{ 'SCHILY.acl.access': 'user:lisa:rw-' }, { 'SCHILY.xattr.system.posix_acl_access': value }];
  const { tree, staged } = await extracted([
    { path: 'a', content: '', pax: { ...text, ...xattr } },
    { path: 'b', content: '', pax: { ...xattr, ...text } },
  ]);
  expect(['a', 'b'].map((path) => Object.keys(tree.get(path)?.xattrs ?? {}))).toEqual([
    ['system.posix_acl_access'],
    ['system.posix_acl_access'],
  ]);
  expect(staged.warnings).toEqual([]);
});

test.each(['', 'user', 'user::rwz', 'king::rwx', 'user:x:rwx', 'user:5000000000:r'])('no ACL is made of %j', (text) => {
  expect(aclValue(text)).toBeUndefined();
});

test('the tools that the tests above need are here', (context) => {
  requireRoot(context);
  requireTool(context, 'setfacl', 'bsdtar');
  expect(aclValue('u::rwx,g::r,o::-')).toHaveLength(28);
});
