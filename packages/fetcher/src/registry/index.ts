export { registryPlugin, type RegistryPluginOptions } from './registry-plugin.ts';
export { registrySource, type RegistrySettings } from './registry-source.ts';
export type { EndpointSettings } from './endpoint-client.ts';
export type { HostOptions, RegistryOptions } from './hosts.ts';
export type { RetryOptions } from './retry.ts';
export { registryDestination } from './upload/registry-destination.ts';
