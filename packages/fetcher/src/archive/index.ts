export { archivesPlugin } from './plugin.ts';
export { dockerArchiveSource } from './source.ts';
export { ArchiveError } from './errors.ts';
export { writeDockerArchive, writeDockerArchiveDirectory, type WriteImageOptions } from './write-docker.ts';
export { writeImage } from './write-image.ts';
