import { BoxError, writeReason } from '@boxkit/contracts';

/** ERR_BOX_SYSTEM_CALL for what the disk said when an image was written to `path`. */
export function unwritable(path: string, cause: NodeJS.ErrnoException): BoxError {
  return new BoxError('ERR_BOX_SYSTEM_CALL', `cannot write an image to ${path}: ${writeReason(cause)}`, {
    hint: 'Nothing was changed there. Choose another place, or make room.',
    cause,
    fields: { errno: cause.code ?? 'unknown', path },
  });
}
