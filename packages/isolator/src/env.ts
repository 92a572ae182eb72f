import { BoxError } from '@boxkit/contracts';

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface EnvFacts {
  readonly home: string;
  readonly hostname: string;
  readonly terminal: boolean;
}

/**
 * The image's variables, the caller's over them by key, and what every process expects: PATH, HOME, HOSTNAME, and TERM
 * with a terminal. Throws ERR_BOX_USAGE for a name or a value that no environment can hold.
 */
export function buildEnv(
  image: readonly string[],
  caller: Readonly<Record<string, string>>,
  { home, hostname, terminal }: EnvFacts,
): Readonly<Record<string, string>> {
  const merged = mergeEnv(image, caller);
  const defaults = { PATH: defaultPath, HOSTNAME: hostname, ...(terminal ? { TERM: 'xterm' } : {}), HOME: home };
  for (const [key, value] of Object.entries(defaults)) if (!merged.has(key)) merged.set(key, value);
  for (const [key, value] of merged) {
    if (key === '' || key.includes('=') || `${key}${value}`.includes('\0')) {
      throw new BoxError('ERR_BOX_USAGE', `cannot set the variable ${JSON.stringify(key)} in the container`, {
        hint: 'A name is not empty and has no "="; neither name nor value has a NUL byte.',
      });
    }
  }
  return Object.fromEntries(merged);
}

/** The image's variables with the caller's over them by key, in their order. */
export function mergeEnv(image: readonly string[], caller: Readonly<Record<string, string>>): Map<string, string> {
  const merged = new Map<string, string>();
  for (const entry of image) {
    const at = entry.indexOf('=', 1);
    if (at > 0) merged.set(entry.slice(0, at), entry.slice(at + 1));
  }
  for (const [key, value] of Object.entries(caller)) merged.set(key, value);
  return merged;
}
