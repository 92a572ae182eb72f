import { closeSync, constants, openSync } from 'node:fs';

export const socketName = 'control';

/** A path to a container's socket that is short enough for the kernel, which takes 107 bytes, as long as it is open. */
export function openSocketPath(directory: string): { readonly path: string; readonly close: () => void } {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${fd}/${socketName}`, close: () => closeSync(fd) };
}
