import { stat } from 'node:fs/promises';
import { BoxError, type StageContext } from '@boxkit/contracts';
import type { ArchiveFiles, LinkPolicy } from './archive-files.ts';
import { openDirectoryFiles } from './directory-files.ts';
import { ArchiveError } from './errors.ts';
import { openTarFiles } from './tar-files.ts';

export interface OpenArchiveOptions {
  readonly links: LinkPolicy;
  /** What the scheme takes: an image layout is a directory, an archive of one a file. */
  readonly accept: 'directory' | 'file' | 'either';
  /** What to write instead when it is the other. */
  readonly hint?: string;
  /** What errors call it: the path, unless the path is box's own affair. */
  readonly shown?: string;
}

/** Opens a directory or a tar that is there to hold images. Throws ERR_BOX_IMAGE_NOT_FOUND when nothing is at `path`. */
export async function openArchive(
  path: string,
  context: Pick<StageContext, 'store' | 'signal'>,
  options: OpenArchiveOptions,
): Promise<ArchiveFiles> {
  const { shown = path } = options;
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'it does not exist' : (cause.code ?? cause.message);
    throw new BoxError('ERR_BOX_IMAGE_NOT_FOUND', `cannot open ${shown}: ${reason}`, {
      cause,
      fields: { path: shown },
    });
  });
  const hint = options.hint === undefined ? {} : { hint: options.hint };
  if (found.isDirectory()) {
    if (options.accept === 'file') throw new ArchiveError(shown, undefined, 'it is a directory', hint);
    return readable(shown, () => openDirectoryFiles(path, options.links));
  }
  if (options.accept === 'directory') throw new ArchiveError(shown, undefined, 'it is no directory', hint);
  return readable(shown, () => openTarFiles(path, options.links, { ...context, shown }));
}

async function readable<T>(shown: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw cause;
    throw new ArchiveError(shown, undefined, 'permission denied', { cause });
  }
}
