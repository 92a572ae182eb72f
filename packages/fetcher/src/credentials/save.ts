import { open, readlink, rename, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { randomUUID } from 'node:crypto';
import { BoxError, isBoxError } from '@boxkit/contracts';
import { makeDirectories } from '@boxkit/linux';
import { normalizeKey, readAuthFile, type AuthFile } from './auth-file.ts';
import type { Credential } from './credential.ts';
import { credentialFiles, credentialFileToWrite } from './files.ts';
import { helperOf, serverName } from './find.ts';
import { eraseFromHelper, HelperMissing, storeInHelper } from './helper.ts';

export interface CredentialFileOptions {
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/** Where a credential was put, for a person to read: a path, or a helper's program. */
export interface SavedCredential {
  readonly place: string;
  /** Whether it lies in a file in clear, as docker and podman keep it without a helper. */
  readonly plain: boolean;
}

/**
 * Keeps a credential for a registry where docker, podman and skopeo find it as well: in the helper that the file names,
 * else in the file itself, readable by its owner only and replaced as a whole. Throws ERR_BOX_CREDENTIALS.
 */
export async function saveCredentials(
  registry: string,
  credential: Credential,
  options: CredentialFileOptions = {},
): Promise<SavedCredential> {
  const { env, signal } = withDefaults(options);
  const path = credentialFileToWrite(env);
  const file = await readAuthFile(path);
  const helper = file === undefined ? undefined : helperOf(file, registry);
  if (helper !== undefined) {
    await explained(storeInHelper(helper, serverName(registry), credential, { env, signal }));
    // As docker does: an entry without a secret, so that the other tools list the registry.
    await writeEntry(path, file, registry, {});
    return { place: `docker-credential-${helper}`, plain: false };
  }
  await writeEntry(path, file, registry, entryOf(credential));
  return { place: path, plain: true };
}

/** Forgets a registry's credential wherever one would be found. Resolves to the places it was in; empty when there was none. */
export async function forgetCredentials(
  registry: string,
  options: CredentialFileOptions = {},
): Promise<readonly string[]> {
  const { env, signal } = withDefaults(options);
  const places: string[] = [];
  for (const path of credentialFiles(env)) {
    const file = await readAuthFile(path);
    if (file === undefined) continue;
    const helper = helperOf(file, registry);
    if (helper !== undefined && (await explained(eraseFromHelper(helper, serverName(registry), { env, signal })))) {
      places.push(`docker-credential-${helper}`);
    }
    if (keysOf(file, registry).length === 0) continue;
    await writeEntry(path, file, registry, undefined);
    places.push(path);
  }
  return places;
}

function withDefaults({ env = process.env, signal = new AbortController().signal }: CredentialFileOptions) {
  return { env, signal };
}

async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof HelperMissing)) throw error;
    throw new BoxError(
      'ERR_BOX_CREDENTIALS',
      `cannot use the credential helper that your credential file names: ${error.message}`,
      {
        hint: 'Install it, or remove credsStore or credHelpers from the file.',
      },
    );
  }
}

function entryOf(credential: Credential): Readonly<Record<string, string>> {
  if (credential.kind === 'identity-token')
    return { auth: Buffer.from('<token>:').toString('base64'), identitytoken: credential.token };
  if (credential.username === '' || credential.username.includes(':')) {
    throw new BoxError('ERR_BOX_CREDENTIALS', 'cannot keep a login whose user name is empty or has a colon');
  }
  return { auth: Buffer.from(`${credential.username}:${credential.password}`).toString('base64') };
}

function keysOf(file: AuthFile, registry: string): string[] {
  return Object.keys(file.auths).filter((key) => normalizeKey(key) === registry);
}

/** Replaces the file with one that has (or has no longer) an entry for the registry; everything else in it is kept. */
async function writeEntry(
  path: string,
  file: AuthFile | undefined,
  registry: string,
  entry: Readonly<Record<string, string>> | undefined,
): Promise<void> {
  const stale = file === undefined ? [] : keysOf(file, registry);
  const kept = Object.entries(file?.auths ?? {}).filter(([key]) => !stale.includes(key));
  const auths = Object.fromEntries([...kept, ...(entry === undefined ? [] : [[serverName(registry), entry] as const])]);
  const text = `${JSON.stringify({ ...file?.document, auths }, undefined, '\t')}\n`;
  try {
    await replaceFile(await followLink(path), text);
  } catch (error) {
    if (isBoxError(error)) throw error;
    throw new BoxError('ERR_BOX_CREDENTIALS', `cannot keep credentials in ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  makeDirectories(dirname(path), 0o700);
  const temporary = join(dirname(path), `.box-${randomUUID()}`);
  try {
    // Made with its final mode: there is no moment at which others can open it.
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

// People keep their dot files elsewhere and link to them; a rename would replace the link.
async function followLink(path: string): Promise<string> {
  const target = await readlink(path).catch(() => undefined);
  return target === undefined ? path : resolve(dirname(path), target);
}
