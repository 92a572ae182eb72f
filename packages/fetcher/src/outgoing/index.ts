export { convertOutgoing, needsConversion, type ManifestFormat } from './convert.ts';
export { createPassingReader, type PassingReader } from './passing-reader.ts';
export { outgoingOfImage, outgoingOfTree, type OutgoingOptions } from './outgoing-image.ts';
