import type { SystemCall } from '@boxkit/contracts';
import { AT_EMPTY_PATH, AT_RECURSIVE, MOUNT_ATTR_RDONLY } from '../constants.ts';

/**
 * Makes a mount read-only and changes nothing else of it, as mount(2) could not: a user namespace may not take back
 * nosuid or nodev of a mount that it inherited. Without a path, `at` is the mount itself.
 */
export function setReadOnly(
  at: number | { readonly result: string },
  path: string,
  { why, recursive }: { readonly why: string; readonly recursive: boolean },
): SystemCall {
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(BigInt(MOUNT_ATTR_RDONLY));
  const flags = (path === '' ? AT_EMPTY_PATH : 0) | (recursive ? AT_RECURSIVE : 0);
  return { name: 'mount_setattr', args: [at, path, flags, { bytes: attributes }, attributes.length], why };
}
