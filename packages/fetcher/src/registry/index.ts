export { registryPlugin, type RegistryPluginOptions } from './registry-plugin.ts';
export { registrySource, type RegistrySettings } from './registry-source.ts';
export { connectionOf, type EndpointSettings, type RegistryConnection } from './endpoint-client.ts';
export { registryBase, type HostOptions, type RegistryOptions } from './hosts.ts';
export type { RetryOptions } from './retry.ts';
export { registryDestination } from './upload/registry-destination.ts';
