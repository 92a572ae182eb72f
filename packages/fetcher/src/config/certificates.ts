import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from '../http/agents.ts';

/**
 * What docker and podman were told of a registry's TLS: `certs.d/HOST[:PORT]/` with CAs (`*.crt`) and a client's
 * `*.cert` and `*.key`. The first directory that exists counts; the config file of box comes before all of them.
 * docker, "Verify repository client with certificates"; containers-certs.d(5).
 */
export function readCertificates(host: string, env: Readonly<Record<string, string | undefined>>): TlsOptions {
  const home = env['HOME'] || homedir();
  const roots = [join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'containers'), '/etc/containers', '/etc/docker'];
  for (const root of roots) {
    const directory = join(root, 'certs.d', host);
    const names = list(directory);
    if (names !== undefined) return read(directory, names);
  }
  return {};
}

function read(directory: string, names: readonly string[]): TlsOptions {
  const pem = (end: string): string | undefined => {
    const files = names.filter((name) => name.endsWith(end)).toSorted();
    return files.length === 0 ? undefined : files.map((name) => readFileSync(join(directory, name), 'utf8')).join('\n');
  };
  const [ca, certificate, key] = [pem('.crt'), pem('.cert'), pem('.key')];
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined || key === undefined ? {} : { certificate, key }),
  };
}

function list(directory: string): string[] | undefined {
  try {
    return readdirSync(directory);
  } catch {
    // Not there, or not for us to see: as if nobody had said anything.
    return undefined;
  }
}
