import { definePlugin, type Plugin } from '@boxkit/contracts';
import { ociArchiveSource, ociSource } from '../oci/source.ts';
import { skopeoDirectorySource } from '../oci/skopeo-directory.ts';
import { dockerArchiveSource } from './source.ts';

/** Contributes `oci:`, `docker-archive:`, `oci-archive:` and `dir:`, asked in this order when a path has no scheme. */
export function archivesPlugin(): Plugin {
  return definePlugin({
    name: '@boxkit/source-archives',
    setup(host) {
      host.addSource(ociSource());
      host.addSource(dockerArchiveSource());
      host.addSource(ociArchiveSource());
      host.addSource(skopeoDirectorySource());
    },
  });
}
