import { globSync, readFileSync } from 'node:fs';
import { access, mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findTool, runCommand, tryCommand } from '@boxkit/testkit';

/** Changes when what is cached has to be made anew. */
const version = 'v1';

/**
 * A Debian as an OCI layout with the tag `debian`, made once a machine and kept in the user's cache: minbase by
 * debootstrap from the mirror of this machine's apt, or, where that cannot be reached, the files of the installed
 * packages that Debian calls required. Takes a minute or two the first time.
 */
export async function debianLayout(): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'boxkit-tests');
  const layout = join(cache, `debian-${codename()}-${version}`);
  if (await exists(layout)) return layout;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'making-'));
  try {
    const tar = join(work, 'debian.tar');
    if (!(await debootstrap(join(work, 'rootfs'), tar))) await packInstalledPackages(work, tar);
    const made = join(work, 'layout');
    await runCommand('umoci', ['init', '--layout', made]);
    await runCommand('umoci', ['new', '--image', `${made}:debian`]);
    await runCommand('umoci', ['raw', 'add-layer', '--image', `${made}:debian`, tar]);
    await runCommand('umoci', ['config', '--image', `${made}:debian`, '--config.cmd', '/bin/bash']);
    await runCommand('umoci', ['gc', '--layout', made]);
    await rename(made, layout);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return layout;
}

async function debootstrap(rootfs: string, tar: string): Promise<boolean> {
  const mirror = aptMirror();
  if (mirror === undefined || findTool('debootstrap') === undefined) return false;
  const args = ['--variant=minbase', codename(), rootfs, mirror];
  const made = await tryCommand('debootstrap', args, { timeout: 300_000 });
  if (made.code !== 0) return false;
  const options = ['--numeric-owner', '--xattrs', '--xattrs-include=*', '--exclude=./var/cache/apt/archives/*.deb'];
  await runCommand('tar', [...options, '-C', rootfs, '-cf', tar, '.']);
  return true;
}

/** Every file of the installed packages of priority `required`, and what their scripts made that a shell needs. */
async function packInstalledPackages(work: string, tar: string): Promise<void> {
  // Where lib is a link to usr/lib, dpkg's lists still name files below both.
  const links = ['bin', 'sbin', 'lib', 'lib64'].filter((name) => globSync(`/usr/${name}`).length > 0);
  for (const name of links) await symlink(`usr/${name}`, join(work, name));
  await runCommand('tar', ['-C', work, '-cf', tar, ...links]);
  const script = `
    dpkg-query -W -f '\${Priority} \${binary:Package}\\n' | sed -n 's/^required //p' | xargs dpkg -L |
      sed -E 's,^/(bin|sbin|lib|lib64)/,/usr/\\1/,; s,^/,,' | grep -vE '^(\\.?|bin|sbin|lib|lib64)$' | sort -u |
      tar -C / --no-recursion --ignore-failed-read -rf "$1" -T - etc/passwd etc/group tmp`;
  await tryCommand('sh', ['-c', script, 'sh', tar], { timeout: 300_000 });
}

/** The first mirror of this machine's own apt sources, in either of their formats, that has this release. */
function aptMirror(): string | undefined {
  const files = ['/etc/apt/sources.list', ...globSync('/etc/apt/sources.list.d/*')];
  for (const file of files) {
    const text = readText(file);
    const line = new RegExp(`^deb (?:\\[[^\\]]*\\] )?(\\S+) ${codename()} `, 'm').exec(text)?.[1];
    if (line !== undefined) return line;
    for (const paragraph of text.split(/\n\s*\n/)) {
      if (!new RegExp(`^Suites:.*\\b${codename()}\\b`, 'm').test(paragraph)) continue;
      const uri = /^URIs:\s*(\S+)/m.exec(paragraph)?.[1];
      if (uri !== undefined) return uri;
    }
  }
  return undefined;
}

/** `bookworm`, say. */
export function codename(): string {
  return /^VERSION_CODENAME=(\w+)/m.exec(readText('/etc/os-release'))?.[1] ?? 'stable';
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

async function exists(layout: string): Promise<boolean> {
  return access(join(layout, 'index.json')).then(
    () => true,
    () => false,
  );
}
