import { chmodSync, chownSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ordinaryUser, requireRoot, temporaryDirectory } from '@boxkit/testkit';
import { expect, test } from 'vitest';
import { removeOwnTree, removeWith } from './remove-tree.ts';

test('a tree is removed without following its links', async () => {
  await using directory = await temporaryDirectory('remove');
  const tree = join(directory.path, 'tree');
  const outside = join(directory.path, 'outside');
  mkdirSync(join(tree, 'a'), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), '');
  symlinkSync(outside, join(tree, 'a/link'));
  await removeOwnTree(tree);
  expect(existsSync(tree)).toBe(false);
  expect(existsSync(join(outside, 'file'))).toBe(true);
  symlinkSync(outside, tree);
  await removeOwnTree(tree);
  await removeOwnTree(tree);
  expect(existsSync(join(outside, 'file'))).toBe(true);
});

test("what the caller's own permissions suffice for needs no help", async () => {
  await using directory = await temporaryDirectory('remove');
  const helped: string[] = [];
  mkdirSync(join(directory.path, 'tree'));
  await removeWith(async (path) => void helped.push(path))(join(directory.path, 'tree'));
  expect(helped).toEqual([]);
});

test('an ordinary user removes closed directories alone, and calls for help with files of other users', async (context) => {
  requireRoot(context);
  await using user = await ordinaryUser();
  for (const [name, uid] of [
    ['own', user.uid],
    ['foreign', 0],
  ] as const) {
    mkdirSync(join(user.home, name, 'closed'), { recursive: true });
    writeFileSync(join(user.home, name, 'closed/file'), '');
    chownSync(join(user.home, name), user.uid, user.gid);
    chownSync(join(user.home, name, 'closed'), uid, uid);
    chmodSync(join(user.home, name, 'closed'), 0o555);
  }
  const script = `
    const { removeWith } = await import(${JSON.stringify(new URL('./remove-tree.ts', import.meta.url).href)});
    for (const name of ['own', 'foreign']) await removeWith(async (path) => console.log('help', path))(name);`;
  const { stdout } = await user.run(process.execPath, ['--input-type=module', '-e', script]);
  expect(stdout).toBe('help foreign\n');
  expect(existsSync(join(user.home, 'own'))).toBe(false);
});
