import type { Descriptor, Store } from '@boxkit/contracts';
import { shellWord } from './shell-words.ts';

export const scriptSources = ['store', 'registry'] as const;
/** Where a script has the blobs from. */
export type ScriptSource = (typeof scriptSources)[number];

/** How a script comes by the blobs of an image. */
export interface ScriptBlobs {
  /** The programs this takes, for the script's first lines. */
  readonly programs: readonly string[];
  /** Lines before the first blob; they may use `$work`, a directory of the script's own. */
  readonly setup: readonly string[];
  /** Lines that bring a blob, and its file as a word of the shell, good until the next one is brought. */
  bring(
    descriptor: Descriptor,
    kind: 'manifest' | 'blob',
  ): { readonly lines: readonly string[]; readonly file: string };
}

/** The store's own files, read where they lie. */
export function storeBlobs(store: Store): ScriptBlobs {
  return {
    programs: [],
    setup: [],
    bring: ({ digest }) => ({ lines: [], file: shellWord(store.blobs.pathOf(digest)) }),
  };
}
