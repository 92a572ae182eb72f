import { definePlugin, type BoxEvent, type Plugin } from '@boxkit/contracts';
import type { FindCredential } from '../credentials/credential.ts';
import { createCredentialFinder } from '../credentials/find.ts';
import { registrySource } from './registry-source.ts';
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
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Contributes the source `docker://`. */
export function registryPlugin(options: RegistryPluginOptions = {}): Plugin {
  return definePlugin({
    name: '@boxkit/registry',
    setup(host) {
      host.addSource(registrySource(async (context) => await settingsOf(options, (event) => context.emit(event))));
    },
  });
}

async function settingsOf(options: RegistryPluginOptions, emit: (event: BoxEvent) => void) {
  const { retry, idleTimeout, env = process.env } = options;
  const registries = options.registries ?? (await loadRegistries(env));
  const findCredential = options.findCredential ?? createCredentialFinder({ env, emit });
  return {
    registries,
    findCredential,
    env,
    ...(retry && { retry }),
    ...(idleTimeout === undefined ? {} : { idleTimeout }),
  };
}

async function loadRegistries(env: Readonly<Record<string, string | undefined>>): Promise<RegistryOptions> {
  const { loadConfig } = await import('../config/load.ts');
  return (await loadConfig(env)).registries;
}
