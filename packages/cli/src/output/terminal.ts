import type { WriteStream } from 'node:tty';

/** What a renderer may assume of where it writes. */
export interface Terminal {
  /** Character cells across; read anew for each frame, since windows change. */
  columns(): number;
  /** Whether block characters may be used: the locale says UTF-8. */
  readonly unicode: boolean;
}

/** The terminal behind a stream, or undefined when it is none, or one that cannot move its cursor. */
export function terminalOf(
  stream: NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>,
  env: NodeJS.ProcessEnv,
): Terminal | undefined {
  if (stream.isTTY !== true || env['TERM'] === 'dumb') return undefined;
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return { columns: () => stream.columns || 80, unicode: /utf-?8/i.test(locale) };
}
