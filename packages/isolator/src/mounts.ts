import { readdirSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { BoxError, type DeviceRequest, type Mount, type RunOptions } from '@boxkit/contracts';

/** The caller's mounts and devices, parents before what lies below them. Throws ERR_BOX_USAGE. */
export function bundleMounts({ mounts = [], devices = [] }: RunOptions): readonly Mount[] {
  const all = [...mounts, ...devices.flatMap(deviceMounts)].map((mount) => ({
    ...mount,
    target: mount.target.startsWith('/') ? posix.resolve(mount.target) : mount.target,
  }));
  const targets = new Set<string>();
  for (const { target } of all) {
    if (targets.has(target)) throw new BoxError('ERR_BOX_USAGE', `cannot mount twice on ${target}`);
    targets.add(target);
  }
  for (const { type, target, options = [] } of all) {
    const unknown = options.find((option) => type === 'bind' && option !== 'nosuid' && option !== 'noexec');
    if (unknown !== undefined)
      throw new BoxError(
        'ERR_BOX_USAGE',
        `cannot mount on ${target}: a bind has no option ${JSON.stringify(unknown)}`,
        {
          hint: 'It may be nosuid and noexec.',
        },
      );
  }
  return all.toSorted((a, b) => depth(a) - depth(b));
}

function depth({ target }: Mount): number {
  return target.split('/').length;
}

/** Each node is a mount of its own: of a directory, too, so that the container may not change the host's. */
function deviceMounts({ source, target = source }: DeviceRequest): readonly Mount[] {
  const stat = statSync(source, { throwIfNoEntry: false });
  if (stat === undefined) throw noDevice(source, 'there is no such file');
  if (stat.isCharacterDevice() || stat.isBlockDevice()) {
    return [{ type: 'bind', source, target, readOnly: false, devices: true }];
  }
  if (!stat.isDirectory()) throw noDevice(source, 'it is no device node');
  const nodes = nodesBelow(source);
  if (nodes.length === 0) throw noDevice(source, 'no device node lies in that directory');
  return nodes.flatMap((name) => deviceMounts({ source: posix.join(source, name), target: posix.join(target, name) }));
}

function nodesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isCharacterDevice() || entry.isBlockDevice())
    .map((entry) => posix.relative(directory, posix.join(entry.parentPath, entry.name)));
}

function noDevice(source: string, why: string): BoxError {
  return new BoxError('ERR_BOX_USAGE', `cannot use the device ${source}: ${why}`, {
    hint: 'Name a character or block device, or a directory of them, of the host.',
  });
}
