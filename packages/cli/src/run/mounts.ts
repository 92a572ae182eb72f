import { existsSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import type { DeviceRequest, Mount, VolumeRequest } from '@boxkit/contracts';
import { usage } from '../args/parse.ts';
import { wrong } from './values.ts';

/** What a container is to find at a path: something of the host's or in memory, or a volume. */
export type MountOrVolume =
  | { readonly mount: Mount; readonly volume?: undefined }
  | { readonly volume: VolumeRequest; readonly mount?: undefined };

/** `-v SOURCE:TARGET[:OPTIONS]`, where a source with a slash is a path and any other a volume's name; `-v TARGET`. */
export function parseVolume(text: string): MountOrVolume {
  const parts = text.split(':');
  const [source = '', target = '', options = ''] = parts.length === 1 ? ['', ...parts] : parts;
  if (
    parts.length > 3 ||
    target === '' ||
    (source === '' && parts.length > 1) ||
    (parts.length === 3 && options === '')
  )
    throw wrong('--volume', text, 'SOURCE:TARGET[:OPTIONS], or TARGET for a volume that goes with the container');
  const known = options === '' ? [] : options.split(',');
  const refused = known.find((option) => /^(?:r?shared|r?slave)$/.test(option));
  if (refused !== undefined) throw usage(`option --volume: propagation is always rprivate, and cannot be ${refused}`);
  if (known.some((option) => /^[zZ]$/.test(option)) && existsSync('/sys/fs/selinux/enforce'))
    throw usage('option --volume: z and Z ask for an SELinux label, and box sets none');
  const unknown = known.find((option) => !['ro', 'rw', 'nocopy', ...idle].includes(option));
  if (unknown !== undefined)
    throw usage(`option --volume: unknown option ${JSON.stringify(unknown)} in ${JSON.stringify(text)}`);
  if (known.includes('ro') && known.includes('rw'))
    throw usage(`option --volume: ${JSON.stringify(text)} cannot be both ro and rw`);
  const readOnly = known.includes('ro');
  const noCopy = known.includes('nocopy');
  if (!isPath(source)) return volume('--volume', { name: source, target, readOnly, noCopy });
  if (noCopy) throw usage(`option --volume: nocopy is for volumes, and ${JSON.stringify(source)} is a path`);
  return bind('--volume', source, target, readOnly);
}

/** What docker's users write that is so already, or means nothing on Linux. */
const idle = ['rprivate', 'private', 'rbind', 'bind', 'z', 'Z', 'cached', 'delegated', 'consistent'];

/** `--tmpfs TARGET[:OPTIONS]`. */
export function parseTmpfs(text: string): MountOrVolume {
  const colon = text.indexOf(':');
  const target = colon < 0 ? text : text.slice(0, colon);
  const options = colon < 0 ? [] : text.slice(colon + 1).split(',');
  const unknown = options.find((option) => !tmpfsOption.test(option));
  if (unknown !== undefined)
    throw usage(
      `option --tmpfs: unknown option ${JSON.stringify(unknown)} in ${JSON.stringify(text)}`,
      'Known are size=, mode=, uid=, gid=, nr_inodes=, nr_blocks=, exec, noexec, nosuid, nodev, ro and rw.',
    );
  const others = options.filter((option) => option !== 'ro' && option !== 'rw');
  return tmpfs('--tmpfs', target, others, options.includes('ro'));
}

const tmpfsOption =
  /^(?:ro|rw|exec|noexec|nosuid|nodev|size=\d+[kmgKMG%]?|mode=[0-7]{1,4}|[ug]id=\d+|nr_(?:inodes|blocks)=\d+[kmgKMG]?)$/;

/** `--device SOURCE[:TARGET][:PERMISSIONS]`. */
export function parseDevice(text: string): DeviceRequest {
  const [source = '', second, third, ...more] = text.split(':');
  const isPermissions = (part: string | undefined): boolean => part !== undefined && /^[rwm]+$/.test(part);
  const target = second === undefined || (third === undefined && isPermissions(second)) ? source : second;
  const permissions = third ?? (target === source && isPermissions(second) ? second : undefined) ?? 'rwm';
  if (more.length > 0 || !posix.isAbsolute(source) || !posix.isAbsolute(target) || !isPermissions(permissions))
    throw wrong('--device', text, 'SOURCE[:TARGET][:rwm] with absolute paths');
  if (!permissions.includes('r') || !permissions.includes('w')) {
    throw usage(
      `option --device: ${JSON.stringify(permissions)} cannot be enforced without a device cgroup`,
      'Leave it out, or give rw: the mode of the node says who may read and write, as on the host.',
    );
  }
  return target === source ? { source } : { source, target };
}

export function bind(option: string, source: string, target: string, readOnly: boolean): MountOrVolume {
  return { mount: { type: 'bind', source: resolve(source), target: absolute(option, target), readOnly } };
}

export function tmpfs(option: string, target: string, options: readonly string[], readOnly: boolean): MountOrVolume {
  const some = options.length > 0 ? { options } : {};
  return { mount: { type: 'tmpfs', target: absolute(option, target), readOnly, ...some } };
}

/** The name of an anonymous volume is empty. */
export function volume(
  option: string,
  wish: { readonly name: string; readonly target: string; readonly readOnly: boolean; readonly noCopy: boolean },
): MountOrVolume {
  const { name, target, readOnly, noCopy } = wish;
  if (name !== '' && !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(name)) {
    throw usage(
      `option ${option}: ${JSON.stringify(name)} is neither a path nor the name of a volume`,
      'A path starts with /, ./ or ../; a name with a letter or a digit, and has letters, digits, "_", "." and "-".',
    );
  }
  const named = name === '' ? {} : { name };
  return { volume: { ...named, target: absolute(option, target), readOnly, ...(noCopy ? { noCopy } : {}) } };
}

/** As docker has it: what starts with a slash, a dot or a tilde. */
function isPath(source: string): boolean {
  return /^[./~]/.test(source);
}

function absolute(option: string, target: string): string {
  if (posix.isAbsolute(target)) return target;
  throw usage(`option ${option}: the target ${JSON.stringify(target)} is not absolute`);
}
