export { archivesPlugin } from './plugin.ts';
export { dockerArchiveSource } from './source.ts';
export { ArchiveError } from './errors.ts';
export { dockerArchiveDestination } from './destination.ts';
export { openArchivedImages, type ArchivedEntry, type ArchivedImages } from './archived-images.ts';
export { archiveBytes, writeArchive, type ArchiveFormat } from './write-archive.ts';
