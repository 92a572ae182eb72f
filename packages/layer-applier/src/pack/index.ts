export { diffTrees, type DiffTreesOptions } from './diff-trees.ts';
export { checkLevel, compressLayer, layerMediaTypes, type CompressionOptions } from './compress-layer.ts';
export { openTar, type OpenedTar } from './open-tar.ts';
export { verifyTar, type TarVerifier, type VerifiedTar, type VerifyTarOptions } from './verify-tar.ts';
export { packTree, type PackedOwner, type PackTreeOptions } from './pack-tree.ts';
export { packContainer, type ContainerFiles, type PackContainerOptions } from './pack-container.ts';
