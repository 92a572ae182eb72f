// The part of this package that loads zod: `@boxkit/manifest/documents`, imported only by who reads fresh documents.
export * from './schemas.ts';
export {
  parseDocument,
  parseImageConfig,
  requireImage,
  requireMatchingLayers,
  validate,
  type ImageDocument,
} from './document.ts';
export {
  chooseManifest,
  indexDepthLimit,
  platformMissing,
  type ChooseOptions,
  type ChosenManifest,
} from './choose-manifest.ts';
