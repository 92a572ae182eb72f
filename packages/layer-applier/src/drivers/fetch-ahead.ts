import type { Image, Layer } from '@boxkit/contracts';

/**
 * Brings the blobs of all layers into the store, in their order and as many at a time as their reader allows, however few
 * are extracted meanwhile. Tells of no failure: the extraction meets the same. Disposal cancels what is still under way.
 */
export function fetchAhead({ blobs }: Image, layers: readonly Layer[], signal: AbortSignal): AsyncDisposable {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const coming = layers.map(async ({ descriptor }) => blobs.ensure?.(descriptor, { signal: either }));
  const all = Promise.allSettled(coming);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await all;
    },
  };
}
