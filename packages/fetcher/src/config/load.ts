import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BoxError } from '@boxkit/contracts';
import { formatPath } from '@boxkit/manifest';
import type { TlsOptions } from '../http/agents.ts';
import { parseProxy } from '../http/proxy.ts';
import type { HostOptions, RegistryOptions } from '../registry/hosts.ts';
import { configPath } from './location.ts';
import type { ConfigFile, HostSection } from './schema.ts';

export interface Config {
  readonly registries: RegistryOptions;
}

/**
 * Reads the config file and the certificates that it names (relative to it). A missing file is an empty one, unless
 * BOX_CONFIG names it. Throws ERR_BOX_CONFIG_INVALID with the path of the wrong field.
 */
export async function loadConfig(env: Readonly<Record<string, string | undefined>>): Promise<Config> {
  const path = configPath(env);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && (env['BOX_CONFIG'] ?? '') === '') return undefined;
    throw invalid(path, `it cannot be read: ${error.message}`, error);
  });
  if (text === undefined) return { registries: {} };
  const file = await parseConfig(text, path);
  const entries = Object.entries(file.registries).map(
    async ([name, section]) => [name, await hostOptions(name, section, path)] as const,
  );
  return { registries: Object.fromEntries(await Promise.all(entries)) };
}

/** Parses the text of a config file; `path` is for messages. */
export async function parseConfig(text: string, path: string): Promise<ConfigFile> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, `it is not JSON: ${(cause as Error).message}`, cause);
  }
  const { configSchema } = await import('./schema.ts');
  const result = configSchema.safeParse(value);
  if (result.success) return result.data;
  const [first] = result.error.issues;
  throw invalid(path, `${formatPath(first?.path ?? [])}: ${first?.message ?? 'is wrong'}`);
}

async function hostOptions(name: string, section: HostSection, path: string): Promise<HostOptions> {
  const field = (key: string): string => `registries[${JSON.stringify(name)}].${key}`;
  const pem = async (file: string, key: string): Promise<string> =>
    await readFile(resolve(dirname(path), file), 'utf8').catch((error: Error) => {
      throw invalid(path, `${field(key)}: ${error.message}`, error);
    });
  const { mirrors, http, ca, clientCertificate, insecureSkipTlsVerify, proxy } = section;
  const tls: TlsOptions = {
    ...(ca === undefined ? {} : { ca: await pem(ca, 'ca') }),
    ...(clientCertificate === undefined
      ? {}
      : {
          certificate: await pem(clientCertificate.certificate, 'clientCertificate.certificate'),
          key: await pem(clientCertificate.key, 'clientCertificate.key'),
        }),
    ...(insecureSkipTlsVerify === true ? { insecure: true } : {}),
  };
  return {
    ...(mirrors === undefined ? {} : { mirrors }),
    ...(http === undefined ? {} : { http }),
    ...(proxy === undefined
      ? {}
      : { proxy: proxy === false ? proxy : parseProxy(proxy, `${path}, ${field('proxy')}`) }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
}

function invalid(path: string, why: string, cause?: unknown): BoxError {
  return new BoxError('ERR_BOX_CONFIG_INVALID', `cannot use the config file ${path}: ${why}`, {
    hint: 'docs/guide/registries.md shows each field.',
    ...(cause === undefined ? {} : { cause }),
  });
}
