import { definePlugin, type BoxEvent, type Plugin } from '@boxkit/contracts';
import type { FindCredential } from '../credentials/credential.ts';
import { createCredentialFinder } from '../credentials/find.ts';
import { registrySource, type RegistrySettings } from './registry-source.ts';
import { registryDestination } from './upload/registry-destination.ts';
import type { RegistryOptions } from './hosts.ts';
import type { RetryOptions } from './retry.ts';

export interface RegistryPluginOptions {
  /** Per-registry options; from the config file when absent. */
  readonly registries?: RegistryOptions;
  /** Finds credentials; in docker's and podman's files when absent. */
  readonly findCredential?: FindCredential;
  readonly retry?: RetryOptions;
  /** Milliseconds without a byte after which a connection counts as dead; default 60 000. */
  readonly idleTimeout?: number;
  /** Bytes of a part of a blob that is pushed; shorter blobs go whole. Default 16 MiB. */
  readonly partSize?: number;
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Contributes `docker://`, a source and a destination. */
export function registryPlugin(options: RegistryPluginOptions = {}): Plugin {
  return definePlugin({
    name: '@boxkit/registry',
    setup(host) {
      const settings: RegistrySettings = async (context) => await settingsOf(options, (event) => context.emit(event));
      host.addSource(registrySource(settings));
      host.addDestination(registryDestination(settings));
    },
  });
}

async function settingsOf(options: RegistryPluginOptions, emit: (event: BoxEvent) => void) {
  const { retry, idleTimeout, partSize, env = process.env } = options;
  const registries = options.registries ?? (await loadRegistries(env));
  const findCredential = options.findCredential ?? createCredentialFinder({ env, emit });
  return {
    registries,
    findCredential,
    env,
    ...(retry && { retry }),
    ...(idleTimeout === undefined ? {} : { idleTimeout }),
    ...(partSize === undefined ? {} : { partSize }),
  };
}

async function loadRegistries(env: Readonly<Record<string, string | undefined>>): Promise<RegistryOptions> {
  const { loadConfig } = await import('../config/load.ts');
  return (await loadConfig(env)).registries;
}
