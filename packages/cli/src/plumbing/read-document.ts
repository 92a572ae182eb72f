import { createReadStream } from 'node:fs';
import { isatty } from 'node:tty';
import { BoxError } from '@boxkit/contracts';
import { usage } from '../args/parse.ts';

/** Far more than any plan is long. */
const longest = 64 * 2 ** 20;

/** The bytes of a stage's document: of a file, or of standard input. */
export async function readDocument(file: string | undefined, former: string, signal: AbortSignal): Promise<Uint8Array> {
  const fromInput = file === undefined || file === '-';
  if (fromInput && isatty(0)) {
    throw usage('there is nothing on standard input', `Pipe what \`box ${former}\` writes into it, or name a file.`);
  }
  const name = fromInput ? 'standard input' : file;
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of fromInput ? process.stdin : createReadStream(file, { signal })) {
      signal.throwIfAborted();
      chunks.push(chunk as Uint8Array);
      size += (chunk as Uint8Array).length;
      if (size > longest) throw usage(`cannot read ${name}: it is longer than ${longest} bytes`);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw unreadable(name, former, error as NodeJS.ErrnoException);
  }
  // The stage before this one has said why.
  if (size === 0) throw usage(`cannot read ${name}: it is empty`, `It must be what \`box ${former}\` writes.`);
  return Buffer.concat(chunks);
}

function unreadable(file: string, former: string, cause: NodeJS.ErrnoException): BoxError {
  const why = { ENOENT: 'there is no such file', EISDIR: 'it is a directory', EACCES: 'permission denied' }[
    cause.code ?? ''
  ];
  return new BoxError('ERR_BOX_FILE_UNREADABLE', `cannot read ${file}: ${why ?? cause.message}`, {
    cause,
    hint: `Name a file that holds what \`box ${former}\` writes, or pipe it in.`,
    fields: { path: file, errno: cause.code },
  });
}
