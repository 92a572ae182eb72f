import { BoxError, type Bundle } from '@boxkit/contracts';
import type { IndexedImage } from '@boxkit/layer-applier';
import { pathWord } from './shell-bytes.ts';
import { commentLines, shellWord } from './shell-words.ts';

export const scriptBackends = ['unshare', 'bubblewrap', 'chroot'] as const;
export type ScriptBackend = (typeof scriptBackends)[number];

/** The lines that start the process, with tools of the host. */
export function runScript(bundle: Bundle, backend: ScriptBackend, image: IndexedImage): string[] {
  requireSimple(bundle);
  const lines = [
    ...commentLines('No mount point may be a symlink: it would lead a mount out of the root file system.'),
    `for name in proc dev${backend === 'unshare' ? ' sys' : ''}; do`,
    '  [ ! -L "$root/$name" ] || { echo "$0: /$name of the image is a symlink" >&2; exit 125; }',
    '  mkdir -p "$root/$name"',
    'done',
    ...workingDirectory(bundle, image),
    'rm -rf -- "$work"; trap - EXIT',
  ];
  if (backend === 'bubblewrap') return [...lines, ...bubblewrap(bundle)];
  return [...lines, ...(backend === 'unshare' ? unshare(bundle) : chroot(bundle))];
}

/** What the config and the options ask for and a script of these few lines does not do. */
function requireSimple({ mounts, limits, init, network, process }: Bundle): void {
  const asked = [
    mounts.length > 0 && 'volumes and other mounts',
    Object.keys(limits).length > 0 && 'limits',
    init && 'an init',
    process.terminal && 'a terminal',
    network === 'private' && 'a private network',
  ].filter((what) => what !== false);
  if (asked.length === 0) return;
  throw new BoxError('ERR_BOX_NOT_ENFORCEABLE', `cannot write a script with ${asked.join(', ')}`, {
    hint: 'Leave them out, or see the whole plan with `box run --plan`.',
  });
}

function workingDirectory({ process: { cwd } }: Bundle, image: IndexedImage): string[] {
  const path = Buffer.from(cwd.split('/').filter(Boolean).join('/')).toString('latin1');
  const parts = path.split('/');
  for (let length = 1; length <= parts.length; length += 1) {
    const found = image.resolve(parts.slice(0, length).join('/'));
    if (found === 'missing')
      return [
        ...commentLines('The working directory is made when it is missing.'),
        `mkdir -p ${pathWord('$root', path)}`,
      ];
    // Through a symlink: it is there, or the start will say that it is not.
    if (typeof found === 'string' || found.path !== parts.slice(0, length).join('/')) return [];
  }
  return [];
}

function environment({ process }: Bundle): string {
  return Object.entries(process.env)
    .map(([key, value]) => shellWord(`${key}=${value}`))
    .join(' ');
}

function command({ process }: Bundle): string {
  return process.argv.map(shellWord).join(' ');
}

function groupOption(bundle: Bundle): string {
  const groups = groupsOf(bundle);
  return groups === '' ? '--clear-groups' : `--groups=${groups}`;
}

function groupsOf({ process: { user } }: Bundle): string {
  return user.additionalGids.join(',');
}

function chroot(bundle: Bundle): string[] {
  const { user, cwd } = bundle.process;
  if (cwd !== '/') {
    throw new BoxError('ERR_BOX_NOT_ENFORCEABLE', `cannot write a script with chroot that starts in ${cwd}`, {
      hint: 'chroot(1) starts in /; take --backend unshare or bubblewrap.',
    });
  }
  return [
    ...commentLines('chroot only changes what / means. It is no security boundary: root walks out of it.'),
    'chroot=$(command -v chroot)',
    `exec env -i ${environment(bundle)} "$chroot" --userspec=${user.uid}:${user.gid} --groups=${shellWord(groupsOf(bundle))} "$root" ${command(bundle)}`,
  ];
}

function unshare(bundle: Bundle): string[] {
  const { user, cwd } = bundle.process;
  const network = bundle.network === 'host' ? '' : ' --net';
  const groups = groupsOf(bundle);
  // unshare(1) takes away all groups with a change of the user, and chroot(1) starts in /: neither does all.
  const byChroot = groups !== '' && user.uid !== 0 && cwd === '/';
  const start = byChroot
    ? `"$(command -v chroot)" --userspec=${user.uid}:${user.gid} --groups=${groups} "$root" ${command(bundle)}`
    : `"$(command -v unshare)" --root="$root" --wd=${shellWord(cwd)}${identity(user)} -- ${command(bundle)}`;
  return [
    ...commentLines(
      'Namespaces of its own: mounts, processes, IPC, host name. Without root, a user namespace first, in which the caller is root.',
    ),
    'user=; [ "$(id -u)" = 0 ] || user="--user --map-root-user"',
    `groups=; [ "$(id -u)" != 0 ] || groups=${groupOption(bundle)}`,
    `unshare $user --mount --pid --ipc --uts${network} --fork --kill-child sh -eu -c '`,
    '  root=$1; shift',
    '  mount --make-rprivate /               # nothing mounted from here on is seen outside',
    '  mount --bind "$root" "$root"',
    '  mount -t proc proc "$root/proc" -o nosuid,nodev,noexec',
    '  mount -t sysfs sysfs "$root/sys" -o ro,nosuid,nodev,noexec 2>/dev/null || :   # with the network of the host only root may',
    '  mount -t tmpfs tmpfs "$root/dev" -o nosuid,mode=755',
    '  for name in null zero full random urandom tty; do   # no other device is reached',
    '    : > "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"',
    '  done',
    '  ln -s /proc/self/fd "$root/dev/fd"; ln -s /proc/self/fd/0 "$root/dev/stdin"',
    '  ln -s /proc/self/fd/1 "$root/dev/stdout"; ln -s /proc/self/fd/2 "$root/dev/stderr"',
    '  mkdir -m 1777 "$root/dev/shm"',
    '  hostname "$1"; shift',
    '  exec "$@"',
    `' sh "$root" ${shellWord(bundle.hostname)} \\`,
    ...privileges(bundle),
    `  env -i ${environment(bundle)} ${start}`,
    ...(groups !== '' && user.uid !== 0 && !byChroot
      ? commentLines(`Without its groups ${groups}: unshare(1) takes them away with the change of the user.`)
      : []),
  ];
}

function identity(user: Bundle['process']['user']): string {
  return user.uid === 0 && user.gid === 0 ? '' : ` --setgid=${user.gid} --setuid=${user.uid}`;
}

/** setpriv(1) takes away what the bundle does not grant; the last program wants to change the root, so that stays. */
function privileges({ capabilities, noNewPrivileges }: Bundle): string[] {
  const kept = [...new Set([...capabilities, 'CAP_SYS_CHROOT'])];
  const set = ['-all', ...kept.map((name) => `+${name.slice(4).toLowerCase()}`)].join(',');
  return [`  setpriv $groups ${noNewPrivileges ? '--no-new-privs ' : ''}--bounding-set=${set} \\`];
}

function bubblewrap(bundle: Bundle): string[] {
  const { user, env, cwd } = bundle.process;
  const ids = user.uid === 0 && user.gid === 0 ? '' : ` --unshare-user --uid ${user.uid} --gid ${user.gid}`;
  return [
    ...commentLines(
      'bwrap makes the same namespaces, mounts a /proc and a small /dev, and drops every capability but those named.',
    ),
    `groups=; [ "$(id -u)" != 0 ] || groups="setpriv ${groupOption(bundle)}"`,
    `exec $groups bwrap --bind "$root" / --proc /proc --dev /dev --unshare-pid --unshare-ipc --unshare-uts${bundle.network === 'host' ? '' : ' --unshare-net'} --die-with-parent \\`,
    `  --hostname ${shellWord(bundle.hostname)}${ids} --chdir ${shellWord(cwd)} --clearenv \\`,
    ...Object.entries(env).map(([key, value]) => `  --setenv ${shellWord(key)} ${shellWord(value)} \\`),
    `  -- ${command(bundle)}`,
  ];
}
