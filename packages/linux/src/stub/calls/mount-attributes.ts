import type { SystemCall } from '@boxkit/contracts';
import { AT_EMPTY_PATH, AT_RECURSIVE, MOUNT_ATTR_NODEV, MOUNT_ATTR_RDONLY } from '../constants.ts';

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

function setAttributes(attribute: number, { at, path = '', why, recursive }: MountChange): SystemCall {
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(BigInt(attribute));
  const flags = (path === '' ? AT_EMPTY_PATH : 0) | (recursive ? AT_RECURSIVE : 0);
  return { name: 'mount_setattr', args: [at, path, flags, { bytes: attributes }, attributes.length], why };
}
