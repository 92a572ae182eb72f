import { closeSync, constants, openSync, readSync } from 'node:fs';

const pieceSize = 2 ** 18;

/** Whether two regular files have the same bytes; undefined when one may not be read. Paths are bytes (latin1). */
export function sameContent(a: string, b: string): boolean | undefined {
  const opened: number[] = [];
  try {
    for (const path of [a, b]) {
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      opened.push(openSync(Buffer.from(path, 'latin1'), flags));
    }
    const [one = -1, two = -1] = opened;
    const pieces = [Buffer.allocUnsafe(pieceSize), Buffer.allocUnsafe(pieceSize)] as const;
    for (;;) {
      const count = fill(one, pieces[0]);
      if (count !== fill(two, pieces[1])) return false;
      if (!pieces[0].subarray(0, count).equals(pieces[1].subarray(0, count))) return false;
      if (count < pieceSize) return true;
    }
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return undefined;
    throw error;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

function fill(fd: number, piece: Buffer): number {
  let filled = 0;
  for (;;) {
    const count = readSync(fd, piece, filled, pieceSize - filled, null);
    filled += count;
    if (count === 0 || filled === pieceSize) return filled;
  }
}
