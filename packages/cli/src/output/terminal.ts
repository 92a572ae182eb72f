import { fstatSync } from 'node:fs';

/** What a renderer may assume of where it writes. */
export interface Terminal {
  /** Character cells across; read anew for each frame, since windows change. */
  columns(): number;
  /** Whether block characters may be used: the locale says UTF-8. */
  readonly unicode: boolean;
}

/** The terminal behind a standard stream, or undefined when it is none, or one that cannot move its cursor. */
export function terminalOf(name: 'stdout' | 'stderr', env: NodeJS.ProcessEnv): Terminal | undefined {
  // The descriptor is asked first: making the stream just to ask it would slow down every start.
  if (env['TERM'] === 'dumb' || !isCharacterDevice(name === 'stdout' ? 1 : 2) || !process[name].isTTY) return undefined;
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return { columns: () => process[name].columns || 80, unicode: /utf-?8/i.test(locale) };
}

function isCharacterDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    // closed by the caller
    return false;
  }
}
