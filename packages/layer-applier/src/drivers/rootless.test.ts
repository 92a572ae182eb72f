import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { requireRoot, requireTool, temporaryDirectory, tryCommand } from '@boxkit/testkit';

const project = fileURLToPath(new URL('../../../..', import.meta.url));
/** A user that has a name, which newuidmap asks for. */
const nobody = 65_534;

/** In a mount namespace of its own, where /etc/subuid and /etc/subgid are ours, an ordinary user runs the drivers' tests. */
const script = `
mount --bind "$1" /etc/subuid; mount --bind "$1" /etc/subgid; shift
exec setpriv --reuid ${nobody} --regid ${nobody} --clear-groups "$@"
`;

test.each([
  ['subordinate', 'nobody:100000:65536\n'],
  ['single', ''],
])('an ordinary user with %s ids gets all that the drivers promise', { timeout: 180_000 }, async (kind, grants) => {
  await using directory = await temporaryDirectory('rootless');
  const home = join(directory.path, 'home');
  await chmod(directory.path, 0o755);
  await mkdir(home);
  await chown(home, nobody, nobody);
  await writeFile(join(directory.path, 'grants'), grants);
  const { code, stdout, stderr } = await tryCommand(
    'unshare',
    [
      '--mount',
      'sh',
      '-ec',
      script,
      'sh',
      join(directory.path, 'grants'),
      process.execPath,
      join(project, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--configLoader=native',
      '--project=unit',
      join(dirname(fileURLToPath(import.meta.url)), 'drivers.test.ts'),
    ],
    { timeout: 170_000, cwd: project, env: { ...process.env, HOME: home, TMPDIR: home, BOX_TEST_ID_MAP: kind } },
  );
  expect({ code, shown: code === 0 ? '' : `${stdout}${stderr}` }).toEqual({ code: 0, shown: '' });
});

test('the tools that the tests above need are here', (context) => {
  requireRoot(context);
  requireTool(context, 'newuidmap', 'newgidmap', 'setpriv');
  expect(process.getuid?.()).toBe(0);
});
