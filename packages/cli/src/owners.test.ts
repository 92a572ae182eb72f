import { chmod, chown, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireRoot, requireTool, runCommand, temporaryDirectory } from '@boxkit/testkit';
import { describe, expect, it } from 'vitest';

const binary = join(import.meta.dirname, '../bin/box');
/** A user that has a name, which newuidmap asks for. */
const nobody = 65_534;
const image = 'host:sh,cat,touch,head';

/** In a mount namespace of its own, where /etc/subuid and /etc/subgid are ours. */
const asNobody = `mount --bind "$0" /etc/subuid; mount --bind "$0" /etc/subgid
exec setpriv --reuid ${nobody} --regid ${nobody} --clear-groups "$@"`;

/** Who owns on the host what root makes inside, and what the user 1000 does. */
const callers = [
  { who: 'root', grants: undefined, owners: { root: 0, other: 1000 }, backends: ['unshare', 'bubblewrap', 'chroot'] },
  {
    who: 'a user with subordinate ids',
    grants: 'nobody:100000:65536\n',
    // ids from 1 on are counted from 100000
    owners: { root: nobody, other: 100_999 },
    backends: ['unshare', 'bubblewrap'],
  },
  {
    who: 'a user with a single id',
    grants: '',
    owners: { root: nobody, other: nobody },
    backends: ['unshare', 'bubblewrap'],
  },
] as const;
const cases = callers.flatMap(({ backends, ...caller }) => backends.map((backend) => ({ ...caller, backend })));

describe('what a container makes on the host', () => {
  it.for(cases)('belongs to its caller, with $backend for $who', async ({ grants, owners, backend }, context) => {
    requireRoot(context);
    requireTool(context, 'setpriv', 'newuidmap', ...(backend === 'bubblewrap' ? ['bwrap'] : []));
    await using directory = await temporaryDirectory('owners');
    const [home, shared, granted] = ['home', 'shared', 'grants'].map((name) => join(directory.path, name)) as [
      string,
      string,
      string,
    ];
    await chmod(directory.path, 0o755);
    for (const path of [home, shared]) await mkdir(path);
    await chmod(shared, 0o777);
    await writeFile(granted, grants ?? '');
    if (grants !== undefined) await chown(home, nobody, nobody);
    const box = async (...args: readonly string[]) => {
      const env = { PATH: process.env['PATH'], HOME: home, BOX_HOME: join(home, 'box') };
      const command = [binary, 'run', '--rm', '-q', '--isolation', backend, ...args];
      if (grants === undefined) return runCommand(command[0] ?? '', command.slice(1), { env });
      return runCommand('unshare', ['--mount', 'sh', '-c', asNobody, granted, ...command], { env });
    };
    const mount = ['-v', `${shared}:/s`];
    await box(...mount, image, '--', 'sh', '-c', 'touch /s/root');
    await box(...mount, '-u', '1000:1000', image, '--', 'touch', '/s/other');
    // the caller's own map again, not the ids of the host
    const seen = await box(...mount, '-u', '1000', image, '--', 'sh', '-c', 'echo more >>/s/other; cat /s/other');
    expect(seen.stdout).toBe('more\n');
    const made = await Promise.all(['root', 'other'].map(async (name) => stat(join(shared, name))));
    expect(made.map(({ uid, gid }) => [uid, gid])).toEqual([
      [owners.root, owners.root],
      [owners.other, owners.other],
    ]);

    // a device is one where it is asked for, and a file that cannot be opened where it came along
    const use =
      'head -c 3 /dev/mine >/s/zeros; { head -c 3 /came/zero >/s/came && echo used; } 2>/dev/null || echo refused';
    const devices = ['--device', '/dev/zero:/dev/mine', '-v', '/dev:/came:ro'];
    expect((await box(...mount, ...devices, image, '--', 'sh', '-c', use)).stdout).toBe('refused\n');
    expect((await stat(join(shared, 'zeros'))).size).toBe(3);
    expect(await readdir(join(home, 'box/containers'))).toEqual([]);
  });
});
