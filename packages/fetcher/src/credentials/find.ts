import { isBoxError, type BoxEvent } from '@boxkit/contracts';
import { credentialOf, keysFor, normalizeKey, readAuthFile, type AuthFile } from './auth-file.ts';
import type { Credential, FindCredential } from './credential.ts';
import { credentialFiles } from './files.ts';
import { getFromHelper, HelperMissing } from './helper.ts';

export interface CredentialFinderOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of helpers that are missing or fail: images that need no login are fetched all the same. */
  readonly emit: (event: BoxEvent) => void;
}

/** Finds credentials where docker and podman keep them. What cannot be read is a warning, and the search goes on. */
export function createCredentialFinder({ env, emit }: CredentialFinderOptions): FindCredential {
  const warn = (error: Error): void =>
    emit({ type: 'warning', code: 'credentials-unreadable', message: `${error.message}; going on without it` });
  return async (registry, repository, signal) => {
    for (const path of credentialFiles(env)) {
      try {
        const file = await readAuthFile(path);
        const found = file === undefined ? undefined : await findIn(file, registry, repository, { env, signal }, warn);
        if (found !== undefined) return found;
      } catch (error) {
        if (signal.aborted || !isBoxError(error)) throw error;
        warn(error);
      }
    }
    return undefined;
  };
}

/** What helpers and old entries call a registry. */
export function serverName(registry: string): string {
  return registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry;
}

/** The helper that a file names for a registry; one of its own before the one for all. */
export function helperOf(file: AuthFile, registry: string): string | undefined {
  const own = Object.entries(file.credHelpers).find(([key]) => normalizeKey(key) === registry);
  return own?.[1] ?? file.credsStore;
}

async function findIn(
  file: AuthFile,
  registry: string,
  repository: string,
  options: { env: CredentialFinderOptions['env']; signal: AbortSignal },
  warn: (error: Error) => void,
): Promise<Credential | undefined> {
  const helper = helperOf(file, registry);
  if (helper !== undefined) {
    try {
      const found = await getFromHelper(helper, serverName(registry), options);
      if (found !== undefined) return found;
    } catch (error) {
      if (options.signal.aborted || !(error instanceof HelperMissing || isBoxError(error))) throw error;
      warn(error);
    }
  }
  const entries = new Map(Object.entries(file.auths).map(([key, entry]) => [normalizeKey(key), entry]));
  for (const key of keysFor(registry, repository)) {
    const found = credentialOf(entries.get(key));
    if (found !== undefined) return found;
  }
  return undefined;
}
