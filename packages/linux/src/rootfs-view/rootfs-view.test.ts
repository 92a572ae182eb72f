import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { OverlayRootfs } from '@boxkit/contracts';
import { setXattr } from '../xattr.ts';
import { viewRootfs } from './rootfs-view.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'box-view-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(path: string, content: string): void {
  const full = join(directory, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, content);
}

function overlay(): OverlayRootfs {
  const at = (name: string): string => join(directory, name);
  for (const name of ['upper', 'a', 'b']) mkdirSync(at(name), { recursive: true });
  return {
    kind: 'overlay',
    lower: [at('a'), at('b')],
    upper: at('upper'),
    work: at('work'),
    target: at('target'),
    userxattr: false,
    idMap: { kind: 'host' },
  };
}

function plain(): ReturnType<typeof viewRootfs> {
  return viewRootfs({ kind: 'directory', path: join(directory, 'root'), idMap: { kind: 'host' } });
}

it('an absolute symlink counts from the root', () => {
  write('root/real/passwd', 'inside');
  symlinkSync('/real', join(directory, 'root/etc'));
  expect(plain().read('/etc/passwd', 100)?.toString()).toBe('inside');
  expect(plain().find('/etc/passwd')?.path).toBe('/real/passwd');
});

it('no symlink leads out of the root', () => {
  write('secret', 'outside');
  write('root/x', '');
  symlinkSync('../../../../../../secret', join(directory, 'root/link'));
  symlinkSync(`${directory}/secret`, join(directory, 'root/absolute'));
  expect(plain().find('/link')).toBeUndefined();
  expect(plain().find('/absolute')).toBeUndefined();
});

it('a loop of symlinks ends', () => {
  write('root/x', '');
  symlinkSync('b', join(directory, 'root/a'));
  symlinkSync('a', join(directory, 'root/b'));
  expect(plain().find('/a')).toBeUndefined();
});

it('reads no more than the limit, and no fifo', () => {
  write('root/long', 'x'.repeat(1000));
  execFileSync('mkfifo', [join(directory, 'root/fifo')]);
  expect(plain().read('/long', 10)?.length).toBe(10);
  expect(plain().read('/fifo', 10)).toBeUndefined();
});

it('the topmost layer wins, and layers below show through', () => {
  const rootfs = overlay();
  write('a/etc/passwd', 'a');
  write('b/etc/passwd', 'b');
  write('b/etc/group', 'b');
  const view = viewRootfs(rootfs);
  expect(view.read('/etc/passwd', 9)?.toString()).toBe('a');
  expect(view.read('/etc/group', 9)?.toString()).toBe('b');
});

it('a whiteout hides the layers below it', (context) => {
  if (process.geteuid?.() !== 0) context.skip('making a device 0:0 here needs root');
  const rootfs = overlay();
  write('b/etc/passwd', 'b');
  write('a/etc/other', 'a');
  execFileSync('mknod', [join(directory, 'a/etc/passwd'), 'c', '0', '0']);
  expect(viewRootfs(rootfs).find('/etc/passwd')).toBeUndefined();
});

it('an opaque directory hides the directories below it', (context) => {
  if (process.geteuid?.() !== 0) context.skip('trusted attributes need root');
  const rootfs = overlay();
  write('b/etc/deep/passwd', 'b');
  write('b/etc/group', 'b');
  write('a/etc/deep/x', 'a');
  setXattr(join(directory, 'a/etc'), 'trusted.overlay.opaque', Buffer.from('y'));
  const view = viewRootfs(rootfs);
  expect(view.find('/etc/group')).toBeUndefined();
  expect(view.find('/etc/deep/passwd')).toBeUndefined();
  expect(view.find('/etc/deep/x')).toBeDefined();
});

it('a file over a directory hides the directory', () => {
  const rootfs = overlay();
  write('b/etc/passwd', 'b');
  write('a/etc', 'a file');
  expect(viewRootfs(rootfs).find('/etc/passwd')).toBeUndefined();
});

it('a directory over a file does not show the file', () => {
  const rootfs = overlay();
  write('a/etc/x', 'x');
  write('b/etc', 'file');
  expect(viewRootfs(rootfs).find('/etc')?.stats.isDirectory()).toBe(true);
  expect(viewRootfs(rootfs).find('/etc/passwd')).toBeUndefined();
});
