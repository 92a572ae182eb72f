import { temporaryDirectory } from '@boxkit/testkit';
import type { DiskStore } from '../disk-store.ts';
import { openStore } from '../store.ts';

export interface TemporaryStore extends AsyncDisposable {
  readonly store: DiskStore;
  readonly home: string;
}

/** A store in a directory of the test's own; both go with the disposal. */
export async function temporaryStore(): Promise<TemporaryStore> {
  const directory = await temporaryDirectory('store');
  const store = await openStore({ home: directory.path });
  return {
    store,
    home: directory.path,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}
