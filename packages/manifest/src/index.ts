export * from './chain-id.ts';
export { parseJson, formatPath, depthLimit } from './json.ts';
export * from './media-types.ts';
export * from './platform.ts';
export * from './platform-match.ts';
export { readManifest, platformOf, type ReadManifestOptions } from './read-manifest.ts';
export * from './reference.ts';
export * from './registry-reference.ts';
export { describeStoredImage } from './stored-image.ts';
