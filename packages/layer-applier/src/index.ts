export * from './byte-path.ts';
export * from './staged-layer.ts';
export * from './extract/budgets.ts';
export * from './extract/extract-layer.ts';
export * from './layer-index/layer-entry.ts';
export * from './layer-index/read-index.ts';
export * from './apply.ts';
export * from './remove-tree.ts';
export { mergeDriver } from './drivers/merge-driver.ts';
export { rootfsPlugin } from './drivers/rootfs-plugin.ts';
export { mergeLayer, type MergeLayer, type MergePlace } from './merge/merge-layer.ts';
export { overlayDriver } from './drivers/overlay-driver.ts';
export { OverlayView, type SeenDirectory } from './drivers/overlay-view.ts';
export { type KeptLayer, readKept } from './drivers/kept-layer.ts';
export { FileInput } from './decode/file-input.ts';
export { normalizeName } from './tar/entry-name.ts';
export { TarReader } from './tar/tar-reader.ts';
export { type TarEntry, TarType } from './tar/tar-entry.ts';
export { encodeEntry, type EncodedEntry, endOfTar, padding } from './tar/encode-entry.ts';
export { openImageTree, type ImageTree, type TreeLayer } from './queries/image-tree.ts';
export { streamFile } from './queries/stream-file.ts';
export { type Found, findInImage } from './queries/find-in-image.ts';
export {
  IndexedImage,
  type IndexedName,
  type IndexedPath,
  type SurveyedEntry as IndexedEntry,
} from './indexed/indexed-image.ts';
export type { IndexedLayer } from './indexed/indexed-layer.ts';
export { ensureIndex, openIndexedImage } from './indexed/open-indexed-image.ts';
export { digestContents, type WantedContents } from './contents/layer-contents.ts';
export { createPathHash } from './indexed/path-hash.ts';
export { prepareWorkers } from './extract/worker-pool.ts';
export * from './pack/index.ts';
export { squashLayers, type SquashOptions } from './squash/squash-layers.ts';
export type { Compression } from './decode/compression.ts';
