import type { Writable } from 'node:stream';
import { writeError } from '@boxkit/contracts';

type StandardStream = 'stdout' | 'stderr';

const watched = new Set<StandardStream>();
let lost: unknown;

/**
 * Writes to standard output or error. The streams are touched only when there is something to write: making them
 * takes longer than anything else a quiet command does.
 */
export function writeTo(name: StandardStream, text: string): void {
  if (text !== '') streamOf(name).write(text);
}

/** Writes bytes; resolves when there is room for more. */
export function writeBytes(name: StandardStream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    streamOf(name).write(bytes, (error) => (error instanceof Error ? reject(lostOutput(error)) : resolve()));
  });
}

/**
 * Resolves when all that was written is out: a full pipe takes it later, and `process.exit` would drop it. Gives what
 * standard output said if it did not take everything, as a full disk does not.
 */
export async function flushStreams(): Promise<unknown> {
  for (const name of watched) {
    const stream = process[name];
    if (stream.writableLength > 0) await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }
  // A stream tells of its error a little later than it has it.
  if (watched.has('stdout')) await new Promise((resolve) => process.nextTick(resolve));
  return lost;
}

/** Standard output for those who write much, with its errors taken care of. */
export function standardOutput(): Writable {
  return streamOf('stdout');
}

function lostOutput(error: Error): unknown {
  return writeError('write to standard output', error);
}

function streamOf(name: StandardStream): Writable {
  const stream = process[name];
  if (!watched.has(name)) {
    watched.add(name);
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // A reader that left (`box images | head -1`) is no failure to talk about.
      if (error.code === 'EPIPE' && name === 'stdout') process.exit(141);
      if (name === 'stdout') lost ??= lostOutput(error);
    });
  }
  return stream;
}
