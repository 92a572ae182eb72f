import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ordinaryUser, requireRoot, temporaryDirectory } from '@boxkit/testkit';
import { removeTree } from './remove-tree.ts';

const module = fileURLToPath(new URL('./remove-tree.ts', import.meta.url));
const remove = `const { removeTree } = await import(${JSON.stringify(module)}); await removeTree(process.argv[1]);`;

test('nothing happens when there is nothing', async () => {
  await expect(removeTree('/nonexistent/box')).resolves.toBeUndefined();
});

test('a symlink in the tree is removed, not followed', async () => {
  await using place = await temporaryDirectory('remove');
  const [tree, outside] = [join(place.path, 'tree'), join(place.path, 'outside')];
  mkdirSync(tree);
  mkdirSync(outside);
  writeFileSync(join(outside, 'kept'), '');
  symlinkSync(outside, join(tree, 'link'));
  await removeTree(tree);
  expect([existsSync(tree), existsSync(join(outside, 'kept'))]).toEqual([false, true]);
});

test.each([
  ['in a user namespace', true],
  ['where there is none to be had', false],
])('a user removes closed directories of his own, %s', async (_name, hasUnshare) => {
  await using user = await ordinaryUser();
  const [tree, programs] = [join(user.home, 'tree'), join(user.home, 'programs')];
  const made = `mkdir -p ${tree}/a/b; echo x > ${tree}/a/b/c; chmod 0 ${tree}/a/b; chmod 0555 ${tree}/a`;
  await user.run('sh', ['-c', `${made}; mkdir ${programs}; ln -s /bin/rm /bin/chmod ${programs}`]);
  const result = await user.attempt(
    process.execPath,
    ['--input-type=module', '-e', remove, tree],
    hasUnshare ? {} : { env: { PATH: programs } },
  );
  expect([result.stderr, existsSync(tree)]).toEqual(['', false]);
});

test('what cannot be removed is told with its path', async (context) => {
  requireRoot(context);
  await using place = await temporaryDirectory('remove');
  await using user = await ordinaryUser();
  chmodSync(place.path, 0o755);
  const tree = join(place.path, 'of root');
  mkdirSync(join(tree, 'inner'), { recursive: true });
  const result = await user.attempt(process.execPath, ['--input-type=module', '-e', remove, tree]);
  expect(result.stderr).toContain(`cannot remove ${tree}`);
  expect(existsSync(tree)).toBe(true);
});
