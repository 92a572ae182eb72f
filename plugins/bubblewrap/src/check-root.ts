import { BoxError, type Rootfs } from '@boxkit/contracts';
import { viewRootfs } from '@boxkit/linux';

/** bwrap follows symlinks of the image where it mounts: throws ERR_BOX_CONTAINER_SETUP unless /proc and /dev are directories. */
export function checkRoot(rootfs: Rootfs): void {
  const view = viewRootfs(rootfs);
  for (const path of ['/proc', '/dev']) {
    const found = view.entry(path);
    if (found === undefined || found.stats.isDirectory()) continue;
    throw new BoxError(
      'ERR_BOX_CONTAINER_SETUP',
      `cannot set up the container with bubblewrap: the image's ${path} is no directory`,
      { hint: 'The image may be hostile; box does not mount over its symlinks.', fields: { path } },
    );
  }
}
