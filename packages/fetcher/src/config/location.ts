import { homedir } from 'node:os';
import { join } from 'node:path';

/** The config file: $BOX_CONFIG, else $XDG_CONFIG_HOME/box/config.json, else ~/.config/box/config.json. */
export function configPath(env: Readonly<Record<string, string | undefined>>): string {
  const named = env['BOX_CONFIG'];
  if (named !== undefined && named !== '') return named;
  const base = env['XDG_CONFIG_HOME'];
  return join(
    base !== undefined && base.startsWith('/') ? base : join(env['HOME'] || homedir(), '.config'),
    'box',
    'config.json',
  );
}
