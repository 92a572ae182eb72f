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
  if (known.some((option) => /^[zZ]$/.test(option)) && isLabelled())
    throw usage('option --volume: z and Z ask for an SELinux label, and box sets none');
  const unknown = known.find((option) => !['ro', 'rw', 'nocopy', ...bindOptions, ...idle].includes(option));
  if (unknown !== undefined)
    throw usage(`option --volume: unknown option ${JSON.stringify(unknown)} in ${JSON.stringify(text)}`);
  if (known.includes('ro') && known.includes('rw'))
    throw usage(`option --volume: ${JSON.stringify(text)} cannot be both ro and rw`);
  const readOnly = known.includes('ro');
  const noCopy = known.includes('nocopy');
  const some = known.filter((option) => bindOptions.includes(option));
  if (!isPath(source)) return volume('--volume', { name: source, target, readOnly, noCopy, options: some });
  if (noCopy) throw usage(`option --volume: nocopy is for volumes, and ${JSON.stringify(source)} is a path`);
  return bind('--volume', { source, target, readOnly, options: some });
}

/** podman's: no program there is set-user-ID, none is executed at all. */
export const bindOptions: readonly string[] = ['nosuid', 'noexec'];
/** What docker's and podman's users write that is so already, or means nothing on Linux. */
const idle = [
  ...['rprivate', 'private', 'rbind', 'bind', 'z', 'Z', 'cached', 'delegated', 'consistent'],
  ...['nodev', 'suid', 'exec', 'copy'],
];

/** Whether files have SELinux labels here. */
export function isLabelled(): boolean {
  return existsSync('/sys/fs/selinux/enforce');
}

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

interface BindWish {
  readonly target: string;
  readonly readOnly: boolean;
  /** Some of `bindOptions`. */
  readonly options: readonly string[];
}

export function bind(option: string, wish: BindWish & { readonly source: string }): MountOrVolume {
  const { source, target, readOnly, options } = wish;
  const some = options.length > 0 ? { options } : {};
  return { mount: { type: 'bind', source: resolve(source), target: absolute(option, target), readOnly, ...some } };
}

export function tmpfs(option: string, target: string, options: readonly string[], readOnly: boolean): MountOrVolume {
  const some = options.length > 0 ? { options } : {};
  return { mount: { type: 'tmpfs', target: absolute(option, target), readOnly, ...some } };
}

/** The name of an anonymous volume is empty. */
export function volume(
  option: string,
  wish: BindWish & { readonly name: string; readonly noCopy: boolean },
): MountOrVolume {
  const { name, target, readOnly, noCopy, options } = wish;
  if (name !== '' && !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(name)) {
    throw usage(
      `option ${option}: ${JSON.stringify(name)} is neither a path nor the name of a volume`,
      'A path starts with /, ./ or ../; a name with a letter or a digit, and has letters, digits, "_", "." and "-".',
    );
  }
  const named = name === '' ? {} : { name };
  const some = { ...(noCopy ? { noCopy } : {}), ...(options.length > 0 ? { options } : {}) };
  return { volume: { ...named, target: absolute(option, target), readOnly, ...some } };
}

/** As docker has it: what starts with a slash, a dot or a tilde. */
function isPath(source: string): boolean {
  return /^[./~]/.test(source);
}

function absolute(option: string, target: string): string {
  if (posix.isAbsolute(target)) return target;
  throw usage(`option ${option}: the target ${JSON.stringify(target)} is not absolute`);
}
