import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { usage } from '../args/parse.ts';

/** Throws ERR_BOX_USAGE for a file that is there: another container's, perhaps. */
export function checkCidFile(path: string | undefined): void {
  if (path !== undefined && existsSync(path)) throw usage(`option --cidfile: ${path} exists already`);
}

/** Writes the containerId where the caller wants to find it. */
export async function writeCidFile(path: string | undefined, containerId: string): Promise<void> {
  if (path === undefined) return;
  await writeFile(path, containerId, { flag: 'wx' }).catch((error: unknown) => {
    throw usage(`option --cidfile: cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`);
  });
}
