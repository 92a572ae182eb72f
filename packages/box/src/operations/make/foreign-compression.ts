import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BoxError } from '@boxkit/contracts';

/** Compressions that no layer has but tars come in, and the programs that undo them. */
const foreign: readonly { readonly magic: string; readonly program: string; readonly debian: string }[] = [
  { magic: 'fd377a585a00', program: 'xz', debian: 'xz-utils' },
  { magic: '425a68', program: 'bzip2', debian: 'bzip2' },
  { magic: '4c5a4950', program: 'lzip', debian: 'lzip' },
  { magic: '04224d18', program: 'lz4', debian: 'lz4' },
];

/**
 * A tar that is plain, or compressed as a layer may be: what is compressed otherwise goes through the program for it.
 * Throws ERR_BOX_LAYER_UNSUPPORTED without that program, ERR_BOX_LAYER_INVALID for damage.
 */
export async function* layerBytes(
  source: AsyncIterable<Uint8Array>,
  options: { readonly what: string; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = source[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.length < 6) {
    const next = await chunks.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  const hex = start.subarray(0, 6).toString('hex');
  const found = foreign.find(({ magic }) => hex.startsWith(magic));
  const all = withStart(start, chunks);
  if (found === undefined) yield* all;
  else yield* through(all, found, options);
}

async function* withStart(
  start: Uint8Array,
  chunks: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    if (start.length > 0) yield start;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  } finally {
    await chunks.return?.();
  }
}

async function* through(
  source: AsyncIterable<Uint8Array>,
  { program, debian }: (typeof foreign)[number],
  { what, signal }: { readonly what: string; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'], signal });
  const ended = once(child, 'close') as Promise<[number | null]>;
  // Told below, when its output has ended.
  ended.catch(() => {});
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(0, 500)));
  const feeding = pipeline(Readable.from(source), child.stdin);
  feeding.catch(() => {});
  try {
    for await (const chunk of child.stdout) yield chunk as Uint8Array;
    const [code] = await ended.catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new BoxError('ERR_BOX_LAYER_UNSUPPORTED', `cannot read ${what}: it is compressed with ${program}`, {
        hint: `Install ${debian}, or decompress it first.`,
        cause,
      });
    });
    if (code !== 0) {
      throw new BoxError('ERR_BOX_LAYER_INVALID', `cannot read ${what}: ${said.trim() || `${program} failed`}`, {
        hint: 'It is damaged, or was cut off.',
      });
    }
    // Its source may have failed while it ended well.
    await feeding;
  } finally {
    child.kill();
  }
}
