import { closeSync, fsyncSync, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Layout } from './layout.ts';
import { stagingName } from './owner.ts';

/** Puts a small file in place of another, atomically and durably. Throws what node:fs throws. */
export function replaceFile(
  layout: Layout,
  path: string,
  content: string,
  options: { readonly durable?: boolean } = {},
): void {
  const durable = options.durable ?? true;
  const staged = join(layout.tmp, stagingName('file'));
  const fd = openSync(staged, 'wx', 0o600);
  try {
    try {
      writeFileSync(fd, content);
      if (durable) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(staged, path);
  } catch (error) {
    unlinkSync(staged);
    throw error;
  }
  if (durable) syncDirectory(dirname(path));
}

/** Makes the names in a directory durable. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
