import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeDirectories } from './make-directories.ts';

function temporary(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'boxkit-mkdir-')));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

test('what is missing is made with the mode, and named deepest first', () => {
  const path = temporary();
  expect(makeDirectories(join(path, 'a/b/c'), 0o700)).toEqual(['a/b/c', 'a/b', 'a'].map((name) => join(path, name)));
  expect(statSync(join(path, 'a/b')).mode & 0o777).toBe(0o700);
  expect(makeDirectories(join(path, 'a/b/c'), 0o755)).toEqual([]);
  expect(statSync(join(path, 'a/b/c')).mode & 0o777).toBe(0o700);
});

test('a symlink to a directory is one; what else is in the way is an error', () => {
  const path = temporary();
  mkdirSync(join(path, 'to'));
  symlinkSync('to', join(path, 'link'));
  symlinkSync('nowhere', join(path, 'dangling'));
  writeFileSync(join(path, 'file'), '');
  expect(makeDirectories(join(path, 'link/a'), 0o755)).toEqual([join(path, 'link/a')]);
  expect(makeDirectories(join(path, 'link'), 0o755)).toEqual([]);
  expect(() => makeDirectories(join(path, 'file'), 0o755)).toThrow('EEXIST');
  expect(() => makeDirectories(join(path, 'file/a'), 0o755)).toThrow('ENOTDIR');
  expect(() => makeDirectories(join(path, 'dangling'), 0o755)).toThrow('EEXIST');
});

test('where the kernel lets nothing be made, it says so instead of trying for ever', () => {
  expect(() => makeDirectories('/proc/nothing', 0o755)).toThrow('ENOENT');
  expect(() => makeDirectories('/proc/nothing/below/it', 0o755)).toThrow('ENOENT');
});
