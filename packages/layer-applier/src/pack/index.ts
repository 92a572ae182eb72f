export { checkLevel, compressLayer, layerMediaTypes, type CompressionOptions } from './compress-layer.ts';
export { openTar, type OpenedTar } from './open-tar.ts';
export { verifyTar, type TarVerifier, type VerifiedTar, type VerifyTarOptions } from './verify-tar.ts';
