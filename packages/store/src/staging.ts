import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { StagingDirectory } from '@boxkit/contracts';
import { diskError } from './disk-error.ts';
import { stagingName } from './owner.ts';
import type { Session } from './session.ts';

/** A private directory in `tmp/`, whose name says whose it is. */
export function createStaging(session: Session, purpose: string): StagingDirectory {
  const path = join(session.layout.tmp, stagingName(purpose.replaceAll(/[^A-Za-z0-9_]/g, '_').slice(0, 64)));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    throw diskError(`stage ${purpose} in the store ${session.layout.home}`, error);
  }
  return {
    path,
    async [Symbol.asyncDispose]() {
      await session.removeTree(path);
    },
  };
}
