import { lstatSync } from 'node:fs';
import type { HostTree } from './host-tree.ts';

/** Hidden again by the last layer, as a build step removes what an earlier one left. */
export const buildMarker = '/usr/share/box/host-image/INCOMPLETE';
export const programList = '/usr/share/box/host-image/programs';

const directories: Readonly<Record<string, number>> = {
  '/dev': 0o755,
  '/etc': 0o755,
  '/home': 0o755,
  '/proc': 0o555,
  '/root': 0o700,
  '/run': 0o755,
  '/sys': 0o555,
  '/tmp': 0o1777,
  '/usr': 0o755,
  '/usr/bin': 0o755,
  '/usr/lib': 0o755,
  '/usr/share': 0o755,
  '/usr/share/box': 0o755,
  '/usr/share/box/host-image': 0o755,
  '/var': 0o755,
  '/var/tmp': 0o1777,
};

/** Merged into /usr on most systems: whether they are links is for this machine to say. */
const mergeable = ['/bin', '/lib', '/lib32', '/lib64', '/libx32', '/sbin'];

/** What every system has, whatever the programs: directories, accounts, name service, os-release. */
export function addSkeleton(tree: HostTree, shell: string | undefined): void {
  for (const [path, mode] of Object.entries(directories)) tree.set('base', path, { type: 'directory', mode });
  for (const path of mergeable) {
    const optional = path !== '/bin' && path !== '/lib' && path !== '/sbin';
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there?.isSymbolicLink() === true) tree.directory('base', path, 0o755);
    else if (!optional) tree.set('base', path, { type: 'directory', mode: 0o755 });
  }
  for (const [path, text] of Object.entries(files(shell ?? '/bin/sh'))) {
    tree.set('base', path, { type: 'text', mode: 0o644, text });
  }
}

function files(shell: string): Readonly<Record<string, string>> {
  return {
    '/etc/passwd': `root:x:0:0:root:/root:${shell}\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n`,
    '/etc/group': 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n',
    '/etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
    '/etc/nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n',
    '/etc/os-release': 'NAME="box host image"\nID=box-host\nPRETTY_NAME="Programs of this machine, packed by box"\n',
    [buildMarker]: 'The layers above this one complete the image and remove this file.\n',
  };
}
