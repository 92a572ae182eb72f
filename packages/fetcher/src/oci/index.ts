export { ociArchiveSource, ociSource } from './source.ts';
export { skopeoDirectorySource } from './skopeo-directory.ts';
export { ociArchiveDestination, ociDestination, skopeoDirectoryDestination } from './destination.ts';
