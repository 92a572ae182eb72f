import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The files that may hold credentials, the first that has one wins. REGISTRY_AUTH_FILE stands alone; DOCKER_CONFIG, when
 * set, comes before podman's places, since somebody set it; then podman's (auth.json) and docker's (config.json).
 */
export function credentialFiles(env: Environment): string[] {
  const only = env['REGISTRY_AUTH_FILE'];
  if (only !== undefined && only !== '') return [only];
  const home = env['HOME'] || homedir();
  const runtime = env['XDG_RUNTIME_DIR'];
  const docker = env['DOCKER_CONFIG'];
  return [
    ...(docker ? [join(docker, 'config.json')] : []),
    ...(runtime ? [join(runtime, 'containers', 'auth.json')] : []),
    join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'containers', 'auth.json'),
    ...(docker ? [] : [join(home, '.docker', 'config.json')]),
  ];
}

/** Where `box login` keeps what it is told: where docker, podman and skopeo look for it, too. */
export function credentialFileToWrite(env: Environment): string {
  const only = env['REGISTRY_AUTH_FILE'];
  if (only !== undefined && only !== '') return only;
  return join(env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker'), 'config.json');
}
