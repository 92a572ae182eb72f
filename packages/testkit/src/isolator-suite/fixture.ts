import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findTool } from '../requirements.ts';

/** What the tests' programs are: one static busybox under several names. */
const applets = [
  ...['cat', 'chroot', 'dd', 'echo', 'env', 'false', 'grep', 'head', 'hostname', 'id', 'kill', 'ls', 'mkdir', 'mknod'],
  ...[
    'mount',
    'nc',
    'ps',
    'pwd',
    'readlink',
    'rm',
    'seq',
    'setsid',
    'sh',
    'sleep',
    'stat',
    'stty',
    'tail',
    'touch',
    'true',
  ],
  ...['tty', 'umount', 'unshare', 'wc', 'ifconfig', 'ln', 'sort', 'date', 'ulimit', 'test'],
];

/** Makes a small root file system at `path`: busybox, a few accounts, nothing else. */
export async function makeRootfs(path: string): Promise<void> {
  const busybox = findTool('busybox');
  if (busybox === undefined) throw new Error('busybox (Debian: busybox-static) is needed for these tests');
  await mkdir(join(path, 'bin'), { recursive: true });
  await mkdir(join(path, 'etc'));
  await mkdir(join(path, 'tmp'), { mode: 0o777 });
  await copyFile(busybox, join(path, 'bin/busybox'));
  for (const name of applets) await symlink('busybox', join(path, 'bin', name));
  await writeFile(
    join(path, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\nother:x:1001:1001::/:/bin/sh\n',
  );
  await writeFile(join(path, 'etc/group'), 'root:x:0:\napp:x:1000:\naudio:x:29:app,other\nvideo:x:44:app\n');
}
