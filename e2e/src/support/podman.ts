import { join } from 'node:path';
import { runCommand, tryCommand } from '@boxkit/testkit';

/**
 * Pulls an image (`oci:PATH:TAG`, `docker://HOST/NAME`) into a storage of its own below `home`, which may be removed as any
 * directory: the driver vfs keeps plain trees and mounts nothing. Gives the image's tree; undefined when podman refuses it.
 */
export async function podmanTree(home: string, reference: string, cwd?: string): Promise<string | undefined> {
  const options = storage(home);
  const pulled = await tryCommand(
    'podman',
    [...options, 'pull', '--quiet', '--tls-verify=false', reference],
    cwd === undefined ? {} : { cwd },
  );
  if (pulled.code !== 0) return undefined;
  return (await runCommand('podman', [...options, 'image', 'mount', pulled.stdout.trim()])).stdout.trim();
}

/** Pushes the one image that `podmanTree` has pulled to this home, its layers compressed anew. */
export async function podmanPush(home: string, to: string, compression: string): Promise<void> {
  const image = (await runCommand('podman', [...storage(home), 'images', '--quiet'])).stdout.trim();
  const options = ['--tls-verify=false', '--quiet', '--format', 'oci', '--compression-format', compression];
  await runCommand('podman', [...storage(home), 'push', ...options, image, to]);
}

function storage(home: string): string[] {
  return ['--root', join(home, 'root'), '--runroot', join(home, 'run'), '--storage-driver', 'vfs'];
}
