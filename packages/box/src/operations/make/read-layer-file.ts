import { createReadStream } from 'node:fs';
import { BoxError } from '@boxkit/contracts';

/** Bytes of one read. */
const chunkSize = 2 ** 18;

/** The bytes of a tar. `action` continues "cannot": append, import. Throws ERR_BOX_FILE_UNREADABLE. */
export async function* readLayerFile(path: string, action: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: chunkSize })) yield chunk as Uint8Array;
  } catch (error) {
    throw unreadable(path, action, error);
  }
}

function unreadable(path: string, action: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  const why = { ENOENT: 'there is no such file', EISDIR: 'it is a directory', EACCES: 'permission denied' }[code];
  return new BoxError('ERR_BOX_FILE_UNREADABLE', `cannot ${action} ${path}: ${why ?? code}`, {
    hint:
      code === 'EISDIR'
        ? 'Make a layer of it with `box layer create DIR -o layer.tar`.'
        : 'Name a tar that you may read.',
    cause: error,
    fields: { path, errno: code },
  });
}
