import type { Cancellable } from '../../options.ts';
import type { Machine } from '../machine.ts';
import type { LayerCreateOptions, LayerOptions } from './layer-create.ts';
import type { WrittenFile } from './layer-file.ts';

/** Makes layers of directories; `append` makes images of layers. */
export interface Layers {
  /**
   * A directory as a layer, as bytes: with all its entries, their times, xattrs and hardlinks, and the same bytes for the
   * same tree. Nothing is read before the first chunk is asked for. Throws ERR_BOX_FILE_UNREADABLE for what cannot be
   * read or is no directory, ERR_BOX_USAGE for options that make no sense.
   */
  create(directory: string, options?: LayerCreateOptions): AsyncIterable<Uint8Array>;
  /**
   * What makes one directory of another, as the bytes of a layer: applied upon `base` it gives `changed`, exactly. Files
   * are compared by their content. Throws as `create` does.
   */
  diff(base: string, changed: string, options?: LayerOptions): AsyncIterable<Uint8Array>;
  /**
   * Writes a stream to a file, whole or not at all. Throws ERR_BOX_SYSTEM_CALL for what the disk says, ERR_BOX_USAGE
   * where something other than a file is, and what the stream throws.
   */
  write(path: string, layer: AsyncIterable<Uint8Array>, options?: Cancellable): Promise<WrittenFile>;
}

/** What a layer needs is loaded when its bytes are asked for. */
export function createLayers(machine: Pick<Machine, 'emit'>): Layers {
  return {
    async *create(directory, options = {}) {
      yield* (await import('./layer-create.ts')).createLayer(directory, options, machine);
    },
    async *diff(base, changed, options = {}) {
      yield* (await import('./layer-diff.ts')).diffLayer(base, changed, options, machine);
    },
    write: async (path, layer, options) => (await import('./layer-file.ts')).writeFileWhole(layer, path, options),
  };
}
