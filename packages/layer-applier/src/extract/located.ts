import { pathText, type BytePath } from '../byte-path.ts';
import type { TarEntry } from '../tar/tar-entry.ts';
import { ExtractFailure } from './layer-error.ts';

/** Adds the entry that was being read, and where it starts, to a failure; other errors pass. */
export function located(error: unknown, { name, offset }: TarEntry): unknown {
  if (!(error instanceof ExtractFailure)) return error;
  const withPlace = new ExtractFailure(error.code, error.message, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    fields: { ...(name === '' ? {} : { entry: pathText(name as BytePath) }), offset, ...error.fields },
  });
  withPlace.stack = error.stack ?? withPlace.stack ?? '';
  return withPlace;
}
