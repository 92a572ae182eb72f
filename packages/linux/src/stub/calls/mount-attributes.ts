import type { SystemCall } from '@boxkit/contracts';
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
} from '../constants.ts';

/** Which mount: a path below `at`, or, without a path, `at` itself. */
export interface MountChange {
  readonly at: number | { readonly result: string };
  readonly path?: string;
  readonly why: string;
  /** Whether what is mounted below it changes, too. */
  readonly recursive: boolean;
}

/**
 * Makes a mount read-only and changes nothing else of it, as mount(2) could not: a user namespace may not take back
 * nosuid or nodev of a mount that it inherited.
 */
export function setReadOnly(change: MountChange): SystemCall {
  return setAttributes(MOUNT_ATTR_RDONLY, change);
}

/** Takes away the meaning of device nodes, since a container that may make nodes could make one of the host's disk. */
export function setNoDevices(change: MountChange): SystemCall {
  return setAttributes(MOUNT_ATTR_NODEV, change);
}

/** Options of mount(8) that a bind may have beside those. */
const attributes = new Map([
  ['nosuid', MOUNT_ATTR_NOSUID],
  ['noexec', MOUNT_ATTR_NOEXEC],
]);

/** The calls for those of the options that are given: none for no option. */
export function setOptions(options: readonly string[], change: MountChange): readonly SystemCall[] {
  const attribute = options.reduce((sum, option) => sum | (attributes.get(option) ?? 0), 0);
  return attribute === 0 ? [] : [setAttributes(attribute, change)];
}

function setAttributes(attribute: number, { at, path = '', why, recursive }: MountChange): SystemCall {
  const bytes = Buffer.alloc(32);
  bytes.writeBigUInt64LE(BigInt(attribute));
  const flags = (path === '' ? AT_EMPTY_PATH : 0) | (recursive ? AT_RECURSIVE : 0);
  return { name: 'mount_setattr', args: [at, path, flags, { bytes }, bytes.length], why };
}
