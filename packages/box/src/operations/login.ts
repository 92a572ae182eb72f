import type { Cancellable, LoginOptions, SavedLogin } from '../options.ts';
import { checkCredential, forgetCredentials, loadConfig, parseRegistryName, saveCredentials } from '@boxkit/fetcher';
import type { Credential } from '@boxkit/fetcher';
import type { Machine } from './machine.ts';
import { openScope } from './machine.ts';

/** Asks the registry first, so that what is kept is known to be right. */
export async function login(registry: string, options: LoginOptions, machine: Machine): Promise<SavedLogin> {
  await using scope = openScope(machine, options);
  const { context } = scope;
  const { signal } = context;
  const name = parseRegistryName(registry);
  const { username, password } = options;
  const credential: Credential = { kind: 'password', username, password };
  const { config } = machine;
  const env = config.file === undefined ? process.env : { ...process.env, BOX_CONFIG: config.file };
  const registries = config.registries ?? (await loadConfig(env)).registries;
  await checkCredential(name, credential, { registries, env, signal, emit: (event) => context.emit(event) });
  return { registry: name, ...(await saveCredentials(name, credential, { signal })) };
}

export async function logout(registry: string, options: Cancellable): Promise<readonly string[]> {
  return forgetCredentials(parseRegistryName(registry), options);
}
