import { BoxError, isBoxError } from '@boxkit/contracts';

/** ERR_BOX_ARCHIVE_INVALID: an archive, layout or directory that is not what it should be. Names the file inside where there is one. */
export class ArchiveError extends BoxError {
  readonly archive: string;
  readonly entry: string | undefined;

  constructor(
    archive: string,
    entry: string | undefined,
    reason: string,
    options: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    const where = entry === undefined ? '' : `${JSON.stringify(entry.slice(0, 300))}: `;
    super('ERR_BOX_ARCHIVE_INVALID', `cannot read the image in ${archive}: ${where}${reason}`, {
      ...options,
      fields: { archive, ...(entry === undefined ? {} : { entry: entry.slice(0, 300) }) },
    });
    this.archive = archive;
    this.entry = entry;
  }
}

/** Runs a parser of documents on a file of an archive; what it finds wrong is wrong with the archive. */
export function parseEntry<T>(archive: string, entry: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!isBoxError(cause, 'ERR_BOX_DOCUMENT_INVALID') && !isBoxError(cause, 'ERR_BOX_DIGEST_INVALID')) throw cause;
    throw new ArchiveError(archive, entry, cause.message.replace(/^cannot (?:read|use) [^:]+: /, ''), { cause });
  }
}
