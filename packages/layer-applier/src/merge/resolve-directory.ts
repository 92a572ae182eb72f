import { chmodSync, closeSync } from 'node:fs';
import { makeDirectory, openDirectoryAt, symlinkTarget } from '@boxkit/linux';
import { baseName, joinPath, type BytePath } from '../byte-path.ts';
import { leadsBack } from '../missing-parts.ts';
import type { FinalAttributes, MergeState } from './merge-state.ts';
import { must, openForChange } from './open-directory.ts';

/** A directory of the root, open, and its path without symlinks. */
export interface ResolvedDirectory {
  readonly fd: number;
  readonly path: BytePath;
}

/** As many as the kernel follows (path_resolution(7)). */
const mostSymlinks = 40;

/**
 * Resolves a path to a directory as a process inside the root would: symlinks are followed, absolute targets count
 * from the root, and `..` ends there. Every component is opened in its parent and none is followed by the kernel.
 * `missing`: a component is not there. `blocked`: it is no directory, or the symlinks make a loop.
 * With `create`, missing directories are made: 0755, owned by root, with the times given.
 */
export function resolveDirectory(
  state: MergeState,
  path: string,
  options: { readonly create: false } | { readonly create: true; readonly times: FinalAttributes },
): ResolvedDirectory | 'missing' | 'blocked' {
  const pending = components(path).toReversed();
  let opened: ResolvedDirectory[] = [];
  const top = (): ResolvedDirectory => opened.at(-1) ?? { fd: state.root, path: '' as BytePath };
  let symlinks = 0;
  try {
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '..') {
        const left = opened.pop();
        if (left !== undefined) closeSync(left.fd);
        continue;
      }
      const { fd: parent, path: parentPath } = top();
      const next = openForChange(parent, name);
      if (typeof next !== 'string') {
        const path = joinPath(parentPath, name);
        state.remember(next.fd, path, next.stat);
        opened.push({ fd: next.fd, path });
      } else if (next === 'ENOENT') {
        if (!options.create) return 'missing';
        if (leadsBack(pending)) continue;
        state.remember(parent, parentPath);
        makeMissing(state, parent, joinPath(parentPath, name), options.times);
        pending.push(name);
      } else {
        const target = symlinkTarget(parent, name);
        if (target === undefined || ++symlinks > mostSymlinks) return 'blocked';
        if (target.startsWith('/')) {
          for (const { fd } of opened) closeSync(fd);
          opened = [];
        }
        pending.push(...components(target).toReversed());
      }
    }
    const found = opened.pop() ?? { fd: reopen(state.root), path: '' as BytePath };
    return found;
  } finally {
    for (const { fd } of opened) closeSync(fd);
  }
}

function components(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function makeMissing(state: MergeState, parent: number, path: BytePath, times: FinalAttributes): void {
  const name = baseName(path);
  must(makeDirectory(parent, name, 0o755), 'mkdirat', path);
  const fd = reopen(parent, name);
  // Past the umask of the caller.
  chmodSync(`/proc/self/fd/${fd}`, 0o755);
  state.replace(fd, path, { atimeNs: times.atimeNs, mtimeNs: times.mtimeNs, mode: 0o755n });
  closeSync(fd);
}

function reopen(directory: number, name = '.'): number {
  const fd = openDirectoryAt(directory, name);
  if (typeof fd === 'string') throw new Error(`cannot open a directory of the rootfs again: ${fd}`);
  return fd;
}
