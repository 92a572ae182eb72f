export {
  bytesPlugin,
  bytesSource,
  type Bytes,
  type BytesProvider,
  type BytesSourceOptions,
  type PrefetchedImage,
} from './source.ts';
