import { resolve } from 'node:path';
import type { ChainId, DiffId } from '@boxkit/contracts';
import { createBlobStore } from './blob-store.ts';
import type { DiskStore } from './disk-store.ts';
import { defaultHome, openHome } from './home.ts';
import { createContainerTable } from './container-table.ts';
import { createImageTable } from './image-table.ts';
import { createLease } from './lease.ts';
import { type RemoveTree, removeWith } from './remove-tree.ts';
import type { EndForsaken, Session } from './session.ts';
import { createStaging } from './staging.ts';
import { sweep } from './sweep.ts';
import { createTreeStore } from './tree-store.ts';
import { settleTrees } from './unsynced.ts';
import { createVolumeTable } from './volume-table.ts';

export interface OpenStoreOptions {
  /** A directory, made (0700) when missing; `defaultHome()` when absent. */
  readonly home?: string;
  /** Called to remove a tree where the caller's own permissions do not suffice (files of subordinate ids). May load what it needs then. */
  readonly removeTree?: RemoveTree;
  /** Called before a container that nobody was left to remove is removed. */
  readonly endForsaken?: EndForsaken;
}

/**
 * Opens the store of a home. Throws ERR_BOX_STORE_UNWRITABLE, ERR_BOX_STORE_FULL, ERR_BOX_STORE_VERSION.
 * Reads two small files; loads nothing that only writers need.
 */
export async function openStore(options: OpenStoreOptions = {}): Promise<DiskStore> {
  const home = resolve(options.home ?? defaultHome());
  const layout = openHome(home);
  const removeTree = removeWith(options.removeTree);
  const { distrusted, syncing } = await settleTrees(layout, removeTree);
  const endForsaken = options.endForsaken ?? (async () => {});
  let sweeping: Promise<void> | undefined;
  return createStore({
    layout,
    removeTree,
    endForsaken,
    distrusted,
    writing() {
      // What cannot be removed now (subordinate ids without a helper, a full disk) is left to a later process.
      sweeping ??= sweep({ layout, removeTree, endForsaken }).catch(() => {});
    },
    // Whatever fails here, a later process does: a mark stays where it is.
    settled: () => Promise.allSettled([sweeping, syncing]),
  });
}

/** What all scopes of one open store share. */
type Shared = Omit<Session, 'lease'> & { readonly settled: () => Promise<unknown> };

function createStore(shared: Shared): DiskStore {
  const { layout, removeTree, settled } = shared;
  const lease = createLease(layout);
  const session: Session = { ...shared, lease };
  const store: DiskStore = {
    home: layout.home,
    blobs: createBlobStore(session),
    images: createImageTable(session),
    layers: createTreeStore<DiffId>(session, 'layers'),
    indexes: createTreeStore<DiffId>(session, 'indexes'),
    rootfs: createTreeStore<ChainId>(session, 'rootfs'),
    containers: createContainerTable(session),
    volumes: createVolumeTable(session),
    async stage(purpose) {
      session.writing();
      return createStaging(session, purpose);
    },
    scope: () => createStore(shared),
    async prune(options) {
      const { prune } = await import('./prune.ts');
      return prune(store, session, options);
    },
    async fsck(options) {
      const { fsck } = await import('./fsck.ts');
      return fsck(layout, removeTree, options);
    },
    async [Symbol.asyncDispose]() {
      await settled();
      lease.release();
    },
  };
  return store;
}
