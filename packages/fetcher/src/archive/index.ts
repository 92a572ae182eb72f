export { archivesPlugin } from './plugin.ts';
export { dockerArchiveSource } from './source.ts';
export { ArchiveError } from './errors.ts';
export { dockerArchiveDestination } from './destination.ts';
