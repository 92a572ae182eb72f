export { clearable, type ConfigChanges, type Healthcheck, type MapChanges, type SetChanges } from './config-changes.ts';
export { creationTime } from './created.ts';
export {
  editImage,
  emptyImage,
  type ImageDocuments,
  type ImageEdit,
  type NewDocument,
  type NewLayer,
} from './edit-image.ts';
export { compressionOf, formatOf, type ImageFormat, type LayerCompression, layerType, toOciType } from './format.ts';
export { mergeChanges } from './merge-changes.ts';
