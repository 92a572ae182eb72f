import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ChainId, DiffId, TreeStore, WriteOptions } from '@boxkit/contracts';
import { isDigest } from '@boxkit/contracts';
import { lockFile } from '@boxkit/linux';
import { diskError } from './disk-error.ts';
import { digestPath, type Layout } from './layout.ts';
import { moveToTrash } from './remove-tree.ts';
import type { Session } from './session.ts';
import { createStaging } from './staging.ts';
import type { TreeKind } from './tree-kind.ts';
import { markUnsynced } from './unsynced.ts';

const noun = { layers: 'layer', indexes: 'index of the layer', rootfs: 'rootfs' } as const;

export function createTreeStore<Id extends DiffId | ChainId>(session: Session, kind: TreeKind): TreeStore<Id> {
  const { layout, lease, removeTree, distrusted } = session;
  const pathOf = (id: Id): string => digestPath(layout[kind], id);
  const isThere = (path: string): boolean => existsSync(path) && !distrusted.has(path);

  /** Makes room for a tree that takes the place of a distrusted one. */
  function trashOf(path: string): AsyncDisposable {
    const trash = distrusted.has(path) ? moveToTrash(layout, path) : undefined;
    return { [Symbol.asyncDispose]: async () => (trash === undefined ? undefined : removeTree(trash)) };
  }

  return {
    pathOf,
    async has(id) {
      await lease.hold([`${kind}/${id}`]);
      return isThere(pathOf(id));
    },
    async ensure(id, build, { signal, emit }: WriteOptions) {
      const path = pathOf(id);
      signal.throwIfAborted();
      const held = await lease.hold([`${kind}/${id}`], { signal });
      if (isThere(path)) return path;
      if (held instanceof Error) throw held;
      session.writing();
      try {
        const lock = await lockFile(treeLockOf(layout, kind, id), {
          signal,
          onWait: () =>
            emit?.({ type: 'waiting', for: 'lock', what: `${noun[kind]} ${id}, which another process is making` }),
        });
        try {
          if (isThere(path)) return path;
          await using staging = createStaging(session, kind);
          await build(staging.path);
          signal.throwIfAborted();
          markUnsynced(layout, kind, id);
          await using _ = trashOf(path);
          // A home that an older box made lacks the directory of what that did not keep.
          mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
          renameSync(staging.path, path);
          distrusted.delete(path);
          return path;
        } finally {
          lock.release({ remove: true });
        }
      } catch (error) {
        throw diskError(`keep the ${noun[kind]} ${id}`, error);
      }
    },
    async delete(id) {
      try {
        const trash = moveToTrash(layout, pathOf(id));
        if (trash !== undefined) await removeTree(trash);
      } catch (error) {
        throw diskError(`delete the ${noun[kind]} ${id}`, error);
      }
    },
    async *list() {
      for (const algorithm of ['sha256', 'sha512']) {
        const directory = join(layout[kind], algorithm);
        if (!existsSync(directory)) continue;
        for await (const entry of await opendir(directory)) {
          const id = `${algorithm}:${entry.name}`;
          if (isDigest(id) && entry.isDirectory()) yield id as string as Id;
        }
      }
    },
  };
}

/** What a builder of the tree holds; unlinked when it is done. */
export function treeLockOf(layout: Layout, kind: TreeKind, id: DiffId | ChainId): string {
  return join(layout.locks, `${kind}-${id.replace(':', '-')}`);
}
