export { ociArchiveSource, ociSource } from './source.ts';
export { skopeoDirectorySource } from './skopeo-directory.ts';
