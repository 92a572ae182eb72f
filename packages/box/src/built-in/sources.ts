import type { Plugin } from '@boxkit/contracts';
import { archivesPlugin, hostPlugin, registryPlugin } from '@boxkit/fetcher';
import type { BoxConfig } from '../config.ts';

export function sourcePlugins(config: BoxConfig): readonly Plugin[] {
  const { registries, file } = config;
  const settings = registries === undefined ? {} : { registries };
  // The registry source reads its part of the file itself, with the certificates that it names.
  const env = file === undefined ? {} : { env: { ...process.env, BOX_CONFIG: file } };
  return [registryPlugin({ ...settings, ...env }), archivesPlugin(), hostPlugin()];
}
