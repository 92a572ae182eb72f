import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Probe, StageContext } from '@boxkit/contracts';
import { check, cString, currentDirectory, mknodAt, setXattr } from '@boxkit/linux';
import type { OverlayNamespace } from './overlay-namespace.ts';

const characterDevice = 0o020000;

/**
 * Mounts an overlay in a mount namespace that ends with the probe, on the store's own file system, with a whiteout and an opaque
 * directory, and looks whether the kernel obeys them. What it checks is what the driver relies on.
 */
const script = `
set -e
cd "$1"
mount -t overlay overlay -o "$2lowerdir=top:bottom,upperdir=upper,workdir=work" merged
test -e merged/kept
test ! -e merged/hidden
test ! -e merged/opaque/lower
echo written > merged/kept
test -e upper/kept
`;

/** Whether overlayfs works here, for this user on this store's file system. Leaves nothing. */
export async function probeOverlay(
  store: StageContext['store'],
  namespace: OverlayNamespace,
  signal: AbortSignal,
): Promise<Probe> {
  await using staging = await store.stage('probe');
  for (const path of ['bottom/opaque', 'top/opaque', 'upper', 'work', 'merged']) {
    mkdirSync(join(staging.path, path), { recursive: true });
  }
  const options = namespace === 'user' ? 'userxattr,' : '';
  const unshare = namespace === 'user' ? ['--user', '--map-root-user', '--mount'] : ['--mount'];
  try {
    makeLayers(staging.path, namespace);
    await promisify(execFile)('unshare', [...unshare, 'sh', '-c', script, 'sh', staging.path, options], { signal });
    return { available: true, note: namespace === 'user' ? 'in a user namespace' : 'as root' };
  } catch (error) {
    signal.throwIfAborted();
    return { available: false, reason: reasonOf(error), hint: hintFor(namespace) };
  }
}

function makeLayers(directory: string, namespace: OverlayNamespace): void {
  for (const name of ['kept', 'hidden', 'opaque/lower']) writeFileSync(join(directory, 'bottom', name), '');
  const device = cString(join(directory, 'top/hidden'));
  check(mknodAt(currentDirectory, device, characterDevice, 0), 'mknod', join(directory, 'top/hidden'));
  setXattr(join(directory, 'top/opaque'), `${namespace}.overlay.opaque`, Buffer.from('y'));
}

function reasonOf(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  if (said !== '') return `mounting an overlay on the store's file system fails: ${said.split('\n').at(-1) ?? ''}`;
  return `an overlay on the store's file system does not do what it should: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`;
}

function hintFor(namespace: OverlayNamespace): string {
  return namespace === 'user'
    ? 'It needs Linux 5.11, unprivileged user namespaces, and a home on ext4, xfs, btrfs or, since Linux 6.6, tmpfs; `merge` works without.'
    : 'It needs the overlay module and a home on ext4, xfs, btrfs or tmpfs (not on another overlay); `merge` works without.';
}
