import { definePlugin, type Plugin } from '@boxkit/contracts';
import { ociArchiveDestination, ociDestination, skopeoDirectoryDestination } from '../oci/destination.ts';
import { ociArchiveSource, ociSource } from '../oci/source.ts';
import { skopeoDirectorySource } from '../oci/skopeo-directory.ts';
import { dockerArchiveDestination } from './destination.ts';
import { dockerArchiveSource } from './source.ts';

/** Contributes `oci:`, `docker-archive:`, `oci-archive:` and `dir:`, sources asked in this order when a path has no scheme, and destinations. */
export function archivesPlugin(): Plugin {
  return definePlugin({
    name: '@boxkit/source-archives',
    setup(host) {
      host.addSource(ociSource());
      host.addSource(dockerArchiveSource());
      host.addSource(ociArchiveSource());
      host.addSource(skopeoDirectorySource());
      host.addDestination(ociDestination());
      host.addDestination(dockerArchiveDestination());
      host.addDestination(ociArchiveDestination());
      host.addDestination(skopeoDirectoryDestination());
    },
  });
}
