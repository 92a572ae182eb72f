import { resolve } from 'node:path';
import { createBox, defaultConfigPath, readConfig } from '@boxkit/box';
import type { Box, BoxConfig } from '@boxkit/box';
import type { GlobalValues } from './command.ts';
import type { LoadedPlugin } from './load-plugin.ts';
import type { Renderer } from './output/renderer.ts';
import { toJson } from './output/json.ts';

/** Opens the box that the global options, the environment and the configuration file describe, in this order. */
export async function openBox(global: GlobalValues, renderer: Renderer): Promise<Box> {
  const path = resolve(global.config ?? defaultConfigPath());
  const config = await readConfig(path, { mustExist: global.config !== undefined });
  const loaded = await loadPlugins(global, config, path);
  return createBox({
    config,
    plugins: loaded.map(({ plugin }) => plugin),
    pluginModules: loaded.map(({ module }) => module),
    onEvent: (event) => renderer.event(event),
    ...(global.home === undefined ? {} : { home: resolve(global.home) }),
    ...(global.debug ? { logger: debugLogger } : {}),
  });
}

async function loadPlugins(
  global: GlobalValues,
  config: BoxConfig,
  configPath: string,
): Promise<readonly LoadedPlugin[]> {
  if (global.plugin.length === 0 && config.plugins === undefined) return [];
  const { loadPlugin } = await import('./load-plugin.ts');
  const plugins: LoadedPlugin[] = [];
  for (const name of config.plugins ?? []) plugins.push(await loadPlugin(name, configPath));
  for (const name of global.plugin) plugins.push(await loadPlugin(name, resolve('.', 'box')));
  return plugins;
}

const debugLogger = {
  debug: (message: string, fields?: Readonly<Record<string, unknown>>) => log('debug', message, fields),
  warn: (message: string, fields?: Readonly<Record<string, unknown>>) => log('warn', message, fields),
};

function log(level: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  process.stderr.write(`${toJson({ level, message, ...fields })}\n`);
}
