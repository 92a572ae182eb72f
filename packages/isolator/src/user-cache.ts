import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerUser, Rootfs } from '@boxkit/contracts';

/** Entries that are kept, the latest first. */
const most = 64;
/** Characters: about twenty layers. */
const longestKey = 4096;

type Entry = readonly [key: string, user: ContainerUser];

/**
 * What a user's name means in a rootfs that no container has written to yet depends on its read-only layers alone, so it
 * is kept below the store's home: finding it in several layers takes reading extended attributes, and loading what
 * can (35 ms) would be most of a container's start.
 */
export function rememberUser(
  { rootfs, text, home }: { readonly rootfs: Rootfs; readonly text: string; readonly home: string },
  resolve: () => ContainerUser,
): ContainerUser {
  if (rootfs.kind !== 'overlay' || !isUntouched(rootfs.upper)) return resolve();
  const path = join(home, 'users.json');
  const key = shortKey(JSON.stringify([rootfs.lower, text]));
  const entries = recall(path);
  const known = entries.find(([other]) => other === key);
  if (known !== undefined) return known[1];
  const user = resolve();
  const entry: Entry = [key, user];
  keep(path, [entry, ...entries].slice(0, most));
  return user;
}

/** The layers and the user themselves, where they are few: node:crypto takes longer to load than they to compare. */
function shortKey(key: string): string {
  return key.length <= longestKey ? key : createHash('sha256').update(key).digest('hex');
}

function isUntouched(upper: string): boolean {
  try {
    return readdirSync(upper).length === 0;
  } catch {
    // not there yet, or not ours to read: look at the files
    return false;
  }
}

function recall(path: string): readonly Entry[] {
  try {
    const entries: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(entries) ? entries.filter(isEntry) : [];
  } catch {
    // not there, or torn
    return [];
  }
}

function isEntry(value: unknown): value is Entry {
  if (!Array.isArray(value) || typeof value[0] !== 'string' || typeof value[1] !== 'object') return false;
  const { uid, gid, additionalGids, home } = value[1] as Partial<ContainerUser>;
  if (!Number.isInteger(uid) || !Array.isArray(additionalGids) || typeof home !== 'string') return false;
  // what an older box kept lacks the group itself
  return gid !== undefined && additionalGids.includes(gid);
}

function keep(path: string, entries: readonly Entry[]): void {
  try {
    writeFileSync(`${path}.${process.pid}`, JSON.stringify(entries), { mode: 0o600 });
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // a home that cannot be written to only costs time
  }
}
