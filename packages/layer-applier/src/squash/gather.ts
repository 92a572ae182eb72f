/** Makes small pieces into large ones, each a buffer that its reader may keep: who takes them waits for each. */
export async function* gather(
  pieces: AsyncIterable<Uint8Array>,
  size = 2 ** 19,
): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    held.push(piece);
    bytes += piece.length;
    if (bytes < size) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
}
