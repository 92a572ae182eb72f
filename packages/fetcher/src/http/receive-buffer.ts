/** Bytes of one buffer: enough that a chunk's costs (a hash call, a write, a few promises) vanish beside its bytes. */
export const receiveBufferSize = 1 << 20;

/** Buffers that are kept for the next body. */
const spareLimit = 16;

const spare: ArrayBuffer[] = [];
const owners = new WeakMap<ArrayBufferLike, () => void>();

/** A buffer to receive into: one that was used before where there is one, as the kernel need not clear its pages. */
export function takeBuffer(): Uint8Array {
  return new Uint8Array(spare.pop() ?? Buffer.allocUnsafeSlow(receiveBufferSize).buffer);
}

/** Takes back a buffer that nobody reads any more. */
export function giveBuffer(buffer: Uint8Array): void {
  if (spare.length < spareLimit) spare.push(buffer.buffer as ArrayBuffer);
}

/** Hands a chunk on, which fills its buffer alone. `returned` is called when its reader gives it back. */
export function lend(chunk: Uint8Array, returned: () => void): void {
  owners.set(chunk.buffer, returned);
}

/**
 * Gives back a chunk of a body whose bytes are not needed any more; they may change from now on. False for a chunk that
 * was its reader's own. A reader that never gives back costs time and no more.
 */
export function recycle(chunk: Uint8Array): boolean {
  const returned = owners.get(chunk.buffer);
  if (returned === undefined) return false;
  owners.delete(chunk.buffer);
  giveBuffer(new Uint8Array(chunk.buffer));
  returned();
  return true;
}
