export { createBlobReader, type BlobReaderOptions, type OwnedBlobReader } from './blobs/blob-reader.ts';
export { loadConfig, parseConfig, type Config } from './config/load.ts';
export { configPath } from './config/location.ts';
export type { Credential, FindCredential } from './credentials/credential.ts';
export { createCredentialFinder } from './credentials/find.ts';
export { checkCredential, parseRegistryName, type LoginOptions } from './credentials/login.ts';
export {
  forgetCredentials,
  saveCredentials,
  type CredentialFileOptions,
  type SavedCredential,
} from './credentials/save.ts';
export { download } from './download.ts';
export { fetch, resolveReference, type FetchOptions } from './fetch.ts';
export { RegistryError } from './http/errors.ts';
export * from './registry/index.ts';
export * from './host/index.ts';
export * from './archive/index.ts';
export * from './oci/index.ts';
export * from './bytes/index.ts';
export * from './outgoing/index.ts';
