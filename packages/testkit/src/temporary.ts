import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of the test's own, removed with all it holds when disposed. */
export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
}

/** Makes `<parent>/boxkit-<purpose>-XXXXXX`; the parent defaults to the system's directory for temporary files. */
export async function temporaryDirectory(purpose = 'test', parent = tmpdir()): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(parent, `boxkit-${purpose}-`));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}
