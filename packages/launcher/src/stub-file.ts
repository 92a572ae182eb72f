import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stubExecutable, type StubMachine } from '@boxkit/linux';

let known: { readonly machine: StubMachine; readonly bytes: Buffer; readonly name: string } | undefined;

/** The path of the exec stub below the store's home, written when it is missing. Idempotent, safe for many processes. */
export function stubFile(home: string, machine: StubMachine): string {
  if (known?.machine !== machine) {
    const bytes = stubExecutable(machine);
    known = { machine, bytes, name: createHash('sha256').update(bytes).digest('hex') };
  }
  const directory = join(home, 'libexec');
  const path = join(directory, known.name);
  try {
    accessSync(path, constants.X_OK);
  } catch {
    mkdirSync(directory, { recursive: true });
    const temporary = `${path}.${process.pid}`;
    writeFileSync(temporary, known.bytes, { mode: 0o755 });
    renameSync(temporary, path);
  }
  return path;
}
