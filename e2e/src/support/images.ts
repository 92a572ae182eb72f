import { chmod, copyFile, link, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildImage, buildLayer, findTool, opaque, pushDocument, runCommand, whiteout } from '@boxkit/testkit';
import type { Registry } from '@boxkit/testkit';
import { debianLayout } from './debian.ts';

/** Repositories that every e2e test can pull, with the tag `latest`. */
export const repositories = ['umoci', 'buildah', 'skopeo-docker', 'built', 'debian'] as const;

/** Makes the images with the tools that people use, and pushes them. */
export async function pushImages(registry: Registry, work: string): Promise<void> {
  const layout = join(work, 'layout');
  await umociImage(layout, work);
  await skopeoCopy(`oci:${layout}:latest`, `docker://${registry.host}/umoci:latest`);
  // The same image as Docker's media types, by another tool.
  await skopeoCopy(`oci:${layout}:latest`, `docker://${registry.host}/skopeo-docker:latest`, ['--format', 'v2s2']);
  await buildahImage(registry, work);
  await pushDocument(registry, 'built', builtImage(), 'latest');
  await skopeoCopy(`oci:${await debianLayout()}:debian`, `docker://${registry.host}/debian:latest`);
  await skopeoCopy(`docker://${registry.host}/debian:latest`, `docker://${registry.host}/debian:bookworm`);
}

export async function skopeoCopy(from: string, to: string, options: readonly string[] = []): Promise<void> {
  const tls = ['--src-tls-verify=false', '--dest-tls-verify=false'];
  await runCommand('skopeo', ['--insecure-policy', 'copy', '--quiet', ...tls, ...options, from, to]);
}

/** busybox, then a directory merged, one replaced as opaque, a file hidden, and a repacked bundle. */
async function umociImage(layout: string, work: string): Promise<void> {
  const image = `${layout}:latest`;
  const rootfs = join(work, 'umoci-rootfs');
  await busyboxRootfs(rootfs);
  await runCommand('umoci', ['init', '--layout', layout]);
  await runCommand('umoci', ['new', '--image', image]);
  await runCommand('umoci', ['insert', '--image', image, rootfs, '/']);
  const more = join(work, 'more');
  await mkdir(more);
  await writeFile(join(more, 'added'), 'added by a second layer\n');
  await runCommand('umoci', ['insert', '--image', image, more, '/etc']);
  await runCommand('umoci', ['insert', '--image', image, '--opaque', more, '/opt/replaced']);
  await runCommand('umoci', ['insert', '--image', image, '--whiteout', '/opt/hidden']);
  const bundle = join(work, 'bundle');
  await runCommand('umoci', ['unpack', '--image', image, bundle]);
  await rm(join(bundle, 'rootfs/opt/plain'), { recursive: true });
  await writeFile(join(bundle, 'rootfs/opt/plain'), 'a file where a directory was\n');
  await chmod(join(bundle, 'rootfs/etc/added'), 0o4711);
  await runCommand('umoci', ['repack', '--image', image, bundle]);
  await runCommand('umoci', ['config', '--image', image, '--config.cmd', '/bin/sh', '--config.env', 'FROM=umoci']);
  await rm(bundle, { recursive: true });
}

/** A whole userland of one binary, and things whose attributes are worth comparing. */
async function busyboxRootfs(rootfs: string): Promise<void> {
  for (const folder of ['bin', 'etc', 'tmp', 'proc', 'opt/replaced/old', 'opt/plain/deep', 'home/tester']) {
    await mkdir(join(rootfs, folder), { recursive: true });
  }
  const busybox = join(rootfs, 'bin/busybox');
  await copyFile(findTool('busybox') ?? '/bin/busybox', busybox);
  await chmod(busybox, 0o755);
  for (const name of [
    'sh',
    'cat',
    'ls',
    'id',
    'hostname',
    'env',
    'sleep',
    'kill',
    'pwd',
    'true',
    'false',
    'wc',
    'ps',
  ]) {
    await symlink('busybox', join(rootfs, 'bin', name));
  }
  await writeFile(
    join(rootfs, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\ntester:x:1000:1000::/home/tester:/bin/sh\n',
  );
  await writeFile(join(rootfs, 'etc/group'), 'root:x:0:\ntester:x:1000:\n');
  await writeFile(join(rootfs, 'opt/hidden'), 'not for long\n');
  await writeFile(join(rootfs, 'opt/linked'), 'one inode, two names\n');
  await link(join(rootfs, 'opt/linked'), join(rootfs, 'opt/linked-too'));
  await symlink('/nowhere at all', join(rootfs, 'opt/broken link'));
  await chmod(join(rootfs, 'tmp'), 0o1777);
  const script = `
    chown -R 1000:1000 home/tester
    mknod opt/device c 1 3 && mkfifo opt/pipe && chmod 0555 opt/replaced/old
    setfattr -n user.note -v 'kept' opt/linked
    echo program > opt/capable && setcap cap_net_raw+ep opt/capable
    truncate -s 5M opt/sparse && printf end >> opt/sparse
    touch -d '2001-02-03 04:05:06.789' opt/linked && touch -h -d 1999-12-31 'opt/broken link'`;
  await runCommand('sh', ['-ec', script], { cwd: rootfs });
}

/** Two layers by buildah: files put there, then changed by programs that ran inside. */
async function buildahImage(registry: Registry, work: string): Promise<void> {
  const home = join(work, 'buildah');
  const rootfs = join(work, 'umoci-rootfs');
  const script = `
    storage=$1 rootfs=$2 target=$3
    b() { buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs "$@"; }
    c=$(b from scratch)
    b copy --quiet "$c" "$rootfs" /
    b config --cmd /bin/sh --env FROM=buildah "$c"
    b commit --quiet --rm "$c" localhost/base
    c=$(b from --pull-never localhost/base)
    b run --isolation chroot "$c" -- sh -ec '
      busybox rm -r /opt/plain && echo changed > /etc/group
      busybox rm -r /opt/replaced && busybox mkdir -p /opt/replaced/new
      busybox ln /opt/linked /opt/linked-three && busybox chmod 2755 /home/tester'
    b commit --quiet --rm "$c" localhost/second
    b push --quiet --tls-verify=false localhost/second "docker://$target"
    b rm --all >/dev/null && b rmi --all --force >/dev/null`;
  await runCommand('sh', ['-ec', script, 'sh', home, rootfs, `${registry.host}/buildah:latest`], { timeout: 300_000 });
}

/** What the tools above do not write: many layers, names and times at the limits, one path by turns. */
function builtImage(): ReturnType<typeof buildImage> {
  const long = `${'directory/'.repeat(30)}${'n'.repeat(250)}`;
  return buildImage({
    config: { Cmd: ['/bin/none'], Env: ['FROM=testkit'] },
    layers: [
      buildLayer([
        { path: './', type: 'directory', mode: 0o755, mtime: 1_500_000_000 },
        { path: './a/', type: 'directory', mode: 0o700, uid: 5, gid: 6, mtime: '1500000001.5' },
        { path: './a/file', content: 'lower', mtime: '1500000002.123456789' },
        { path: './a/hidden', content: 'lower' },
        { path: './a/sub/', type: 'directory', mtime: 1_500_000_003 },
        { path: './a/sub/below', content: 'lower' },
        { path: './linked', content: 'shared', mode: 0o6755, uid: 3_000_000_000, gid: 70_000 },
        { path: './usr/lib/', type: 'directory' },
        { path: './turn', content: 'a file' },
        { path: './é ü\n"name"', content: 'odd' },
      ]),
      buildLayer(
        [
          { path: 'again', type: 'hardlink', link: 'linked' },
          { path: long, content: 'deep', xattrs: { 'user.bytes': Buffer.from([0, 255, 10]) } },
          { path: 'turn/', type: 'directory', mode: 0o751, mtime: 1_500_000_004 },
          { path: 'turn/inside', content: 'a directory' },
          whiteout('a/hidden'),
        ],
        { format: 'pax' },
      ),
      buildLayer([
        { path: 'a/', type: 'directory', mode: 0o2770, uid: 7, gid: 8, mtime: 1_600_000_000 },
        opaque('a/sub'),
        { path: 'a/sub/', type: 'directory', mode: 0o755, mtime: 1_600_000_001 },
        { path: 'a/sub/fresh', content: 'upper' },
        { path: 'pipe', type: 'fifo', mode: 0o600 },
        { path: 'block', type: 'block', major: 259, minor: 1_000_000 },
        { path: 'link', type: 'symlink', link: '../../etc/passwd', uid: 9, gid: 9, mtime: 1_600_000_002 },
      ]),
    ],
  });
}
