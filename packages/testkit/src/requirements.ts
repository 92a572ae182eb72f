import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What a test's context offers for leaving a test out: vitest's `ctx`. */
export interface Skippable {
  skip(reason?: string): never;
}

/** The path of a program, or undefined. Looks where Debian keeps what root alone has on PATH, too. */
export function findTool(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** Skips the test, saying which program is missing, unless all are there. */
export function requireTool(context: Skippable, ...names: readonly string[]): void {
  const missing = names.filter((name) => findTool(name) === undefined);
  if (missing.length > 0)
    context.skip(`needs ${missing.join(', ')}, not installed here (npm test installs it as root)`);
}

/** Skips the test unless this process is root. */
export function requireRoot(context: Skippable): void {
  if (process.getuid?.() !== 0) context.skip('needs root');
}

/** Skips the test with the reason unless the condition holds. */
export function requireThat(context: Skippable, condition: boolean, reason: string): void {
  if (!condition) context.skip(reason);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
