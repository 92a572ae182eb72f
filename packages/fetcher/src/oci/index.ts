export { ociArchiveSource, ociSource } from './source.ts';
export { skopeoDirectorySource } from './skopeo-directory.ts';
export { writeOciArchive, writeOciLayout, writeSkopeoDirectory } from './write.ts';
