import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bundle } from '@boxkit/contracts';

const fileName = 'bundle.json';

/** Keeps what a container was made of beside its state, for those who enter it later. It holds the environment. */
export function saveBundle(containerPath: string, bundle: Bundle): void {
  const { seccomp, ...others } = bundle;
  const data = { ...others, ...(seccomp === undefined ? {} : { seccomp: Buffer.from(seccomp).toString('base64') }) };
  // JSON has no Infinity, and a ulimit may be that
  const text = JSON.stringify(data, (_key, value: unknown) => (value === Infinity ? 'Infinity' : value));
  writeFileSync(join(containerPath, fileName), text, { mode: 0o600 });
}

/** Reads it again; throws what node:fs throws when the container never came to start. */
export function readBundle(containerPath: string): Bundle {
  const { seccomp, ...others } = JSON.parse(
    readFileSync(join(containerPath, fileName), 'utf8'),
    (key, value: unknown) => ((key === 'soft' || key === 'hard') && value === 'Infinity' ? Infinity : value),
  ) as Omit<Bundle, 'seccomp'> & { readonly seccomp?: string };
  return { ...others, ...(seccomp === undefined ? {} : { seccomp: Buffer.from(seccomp, 'base64') }) };
}
