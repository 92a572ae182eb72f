import { cp, link, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../command.ts';
import { requireRoot, requireTool } from '../requirements.ts';
import { temporaryDirectory } from '../temporary.ts';
import { compareTrees } from './compare-trees.ts';

async function makeTree(root: string): Promise<void> {
  await mkdir(join(root, 'a b/é'), { recursive: true });
  await writeFile(join(root, 'a b/file'), 'content');
  await link(join(root, 'a b/file'), join(root, 'linked'));
  await symlink('/nowhere', join(root, 'broken'));
  await runCommand('mkfifo', [join(root, 'pipe')]);
  await runCommand('setfattr', ['-n', 'trusted.mark', '-v', '0xff00', join(root, 'a b/é')]);
  await runCommand('mknod', [join(root, 'device'), 'b', '300', '70000']);
}

test('a faithful copy does not differ', async (context) => {
  requireRoot(context);
  requireTool(context, 'setfattr');
  await using directory = await temporaryDirectory();
  const [left, right] = [join(directory.path, 'left'), join(directory.path, 'right')];
  await makeTree(left);
  await runCommand('cp', ['-a', left, right]);
  expect(await compareTrees(left, right)).toEqual([]);
});

test('each field that differs is told', async (context) => {
  requireRoot(context);
  requireTool(context, 'setfattr');
  await using directory = await temporaryDirectory();
  const [left, right] = [join(directory.path, 'left'), join(directory.path, 'right')];
  await makeTree(left);
  await runCommand('cp', ['-a', left, right]);
  await runCommand(
    'sh',
    [
      '-c',
      'setfattr -x trusted.mark "a b/é"; chmod 600 linked; chown 1:2 -h broken; rm pipe device; mknod device b 300 70001; touch -hr device broken',
    ],
    { cwd: right },
  );
  await cp(join(right, 'a b/file'), join(right, 'unlinked'));
  await rm(join(right, 'linked'));
  await utimes(join(right, '.'), 1, 1);
  const lines = await compareTrees(left, right);
  const starts = ['.: mtime', 'a b/é: xattrs', 'a b/file: mode', 'broken: owner', 'device: device', 'linked: only on'];
  const told = starts.filter((start) => lines.some((line) => line.startsWith(Buffer.from(start).toString('latin1'))));
  expect(told).toEqual(starts);
});
