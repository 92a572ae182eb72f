import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { BoxError } from '@boxkit/contracts';
import type { Plugin } from '@boxkit/contracts';

export interface LoadedPlugin {
  readonly plugin: Plugin;
  /** Absolute path of the file it came from. */
  readonly module: string;
}

/**
 * Imports the plugin that a module exports by default. A name is looked up as a module beside `from` would look it
 * up: a path from its directory, a package in its node_modules. Throws ERR_BOX_PLUGIN_INVALID.
 */
export async function loadPlugin(name: string, from: string): Promise<LoadedPlugin> {
  try {
    const path = createRequire(pathToFileURL(from)).resolve(name);
    const loaded = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
    // Its shape is checked, with zod, when it is registered.
    if (loaded.default !== undefined) return { plugin: loaded.default as Plugin, module: path };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BoxError('ERR_BOX_PLUGIN_INVALID', `cannot load the plugin ${name}: ${why.split('\n')[0] ?? ''}`, {
      hint: 'A path starts with /, ./ or ../; a package must be installed beside the file that names it.',
      cause: error,
    });
  }
  throw new BoxError('ERR_BOX_PLUGIN_INVALID', `cannot load the plugin ${name}: it has no default export`, {
    hint: 'A plugin module ends with `export default definePlugin({ ... })`.',
  });
}
