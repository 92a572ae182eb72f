import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { OverlayRootfs, SystemCall } from '@boxkit/contracts';
import { requireRoot, temporaryDirectory } from '@boxkit/testkit';
import { overlayMountCalls } from './overlay-mount.ts';

/** A stack of `count` layers, each with a file of its own and one that all have. */
function stackOf(place: string, count: number): OverlayRootfs {
  const lower = Array.from({ length: count }, (_none, at) => {
    const tree = join(place, 'layers', 'sha256', String(at).padStart(64, '0'), 'tree');
    mkdirSync(tree, { recursive: true });
    writeFileSync(join(tree, `own-${at}`), '');
    writeFileSync(join(tree, 'all'), `layer ${at}`);
    return tree;
  }).toReversed();
  const container = join(place, 'containers', 'c'.repeat(64));
  const [upper, work, target] = ['upper', 'work', 'rootfs'].map((name) => join(container, name));
  if (upper === undefined || work === undefined || target === undefined) throw new Error('three paths');
  for (const path of [upper, work, target]) mkdirSync(path, { recursive: true });
  return { kind: 'overlay', lower, upper, work, target, userxattr: false, idMap: { kind: 'host' } };
}

/**
 * Carries out a list as the exec stub would, by perl's `syscall`: the numbers of the kernel's table, strings with a
 * closing NUL, results by position.
 */
function carryOut(calls: readonly SystemCall[], then: string, unshare: readonly string[]): string {
  const numbers: Record<string, number> =
    process.arch === 'arm64'
      ? { chdir: 49, mkdirat: 34, symlinkat: 36, mount: 40, fsopen: 430, fsconfig: 431, fsmount: 432, move_mount: 429 }
      : {
          chdir: 80,
          mkdirat: 258,
          symlinkat: 266,
          mount: 165,
          fsopen: 430,
          fsconfig: 431,
          fsmount: 432,
          move_mount: 429,
        };
  const argument = (value: SystemCall['args'][number]): string => {
    if (value === null) return '0';
    if (typeof value === 'string')
      return `"${Buffer.from(`${value}\0`)
        .toString('hex')
        .replaceAll(/../g, String.raw`\x$&`)}"`;
    if (typeof value === 'object' && 'result' in value) return `$r[${value.result}]`;
    return typeof value === 'number' ? String(value) : '0';
  };
  const lines = calls.map(({ name, args, ignore }, at) => {
    const list = [numbers[name], ...args.map(argument)].map((text, index) => `my $a${index} = ${text};`).join(' ');
    const names = Array.from({ length: args.length + 1 }, (_none, index) => `$a${index}`).join(', ');
    const fails = ignore === undefined ? `die "${name}: $!" if $r[${at}] == -1;` : '';
    return `{ ${list} $r[${at}] = syscall(${names}); ${fails} }`;
  });
  const program = `my @r; ${lines.join('\n')}\nexec 'sh', '-c', ${argument(then)} =~ s/\\0//r;`;
  const { status, stdout, stderr } = spawnSync('unshare', [...unshare, 'perl', '-e', program], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${status} ${stderr}`);
  return stdout;
}

test.each([
  ['one layer', 1, '6.8.0'],
  ['more layers than an option string holds', 127, '6.8.0'],
  ['an older kernel, by paths from a common directory', 20, '6.1.0-18-amd64'],
  ['an older kernel, by short symlinks', 127, '5.15.0'],
])('the calls mount %s', async (_name, count, kernel) => {
  await using place = await temporaryDirectory('overlay, "mount"');
  const rootfs = stackOf(place.path, count);
  const calls = overlayMountCalls(rootfs, { kernel });
  const shown = carryOut(calls, `cd '${rootfs.target}' && cat all && ls | wc -l && echo written > own-0`, ['--mount']);
  expect(shown).toBe(`layer ${count - 1}${count + 1}\n`);
  expect(readFileSync(join(rootfs.upper, 'own-0'), 'utf8')).toBe('written\n');
});

test('positions count from where the list is put', async () => {
  await using place = await temporaryDirectory('overlay-mount');
  const rootfs = stackOf(place.path, 3);
  const before: SystemCall = { name: 'chdir', args: ['/'], why: 'something before' };
  const calls = [before, before, ...overlayMountCalls(rootfs, { kernel: '6.8.0', position: 2 })];
  expect(carryOut(calls, `cat '${rootfs.target}/all'`, ['--mount'])).toBe('layer 2');
});

test('a user namespace mounts them too, marks read from user attributes', async (context) => {
  requireRoot(context);
  await using place = await temporaryDirectory('overlay-mount');
  const rootfs = { ...stackOf(place.path, 100), userxattr: true };
  chmodSync(place.path, 0o755);
  spawnSync('chown', ['-R', '65534:65534', place.path]);
  const calls = overlayMountCalls(rootfs);
  const asUser = ['--mount', 'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'unshare', '-Urm'];
  expect(carryOut(calls, `cat '${rootfs.target}/all'`, asUser)).toBe('layer 99');
});
