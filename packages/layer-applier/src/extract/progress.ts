import type { ExtractOptions } from '../staged-layer.ts';

type ProgressOptions = Pick<ExtractOptions, 'layer' | 'emit'>;

/** Compressed bytes between two events. */
const step = 2 ** 20;

/** Tells how much of a blob has been consumed: 0 at first, the whole size at last. */
export class LayerProgress {
  readonly #options: ProgressOptions;
  #processed = 0;
  #told = 0;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#tell();
  }

  /** Passes chunks on and counts them. */
  watch(chunks: AsyncIterator<Uint8Array>): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        const result = await chunks.next();
        if (result.done !== true) this.#count(result.value.length);
        return result;
      },
      return: async () => (await chunks.return?.()) ?? { done: true, value: undefined },
    };
  }

  /** The layer is done. */
  end(): void {
    this.#processed = this.#options.layer.descriptor.size;
    this.#tell();
  }

  #count(bytes: number): void {
    this.#processed += bytes;
    if (this.#processed - this.#told >= step && this.#processed < this.#options.layer.descriptor.size) this.#tell();
  }

  #tell(): void {
    this.#told = this.#processed;
    const { layer, emit } = this.#options;
    emit({
      type: 'layer-progress',
      diffId: layer.diffId,
      digest: layer.descriptor.digest,
      processed: this.#processed,
      total: layer.descriptor.size,
    });
  }
}
