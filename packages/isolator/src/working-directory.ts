import { posix } from 'node:path';
import { BoxError } from '@boxkit/contracts';

/** The caller's, which must be absolute, else the image's, where a relative path counts from the root. Throws ERR_BOX_USAGE. */
export function workingDirectory(wanted: string | undefined, ofImage: string): string {
  if (wanted !== undefined && wanted !== '' && !posix.isAbsolute(wanted)) {
    throw new BoxError('ERR_BOX_USAGE', `cannot start in ${JSON.stringify(wanted)}: the path is not absolute`, {
      hint: 'Write the directory as it is inside the container, from / on.',
    });
  }
  return posix.resolve('/', wanted === undefined || wanted === '' ? ofImage : wanted);
}
