import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { BoxError, writeError } from '@boxkit/contracts';
import { makeDirectories } from '@boxkit/linux';

/** Where `box unpack` puts its tree, and how. */
export interface TargetDirectory {
  readonly path: string;
  /** A private directory on the target's file system; what is in it can be renamed into place. */
  readonly staging: string;
  /** True when the names of the tree must be moved into the directory one by one, which cannot be replaced itself. */
  readonly children: boolean;
  /** Removes directories that were made on the way, while they are empty. */
  undo(): void;
}

const stagingPrefix = '.box-staging-';

/**
 * Checks that `directory` is missing or empty (ERR_BOX_DIRECTORY_NOT_EMPTY) and finds a staging place from which one
 * rename leads there: the store's if it is on the same mount, else inside the directory itself.
 */
export function openTarget(directory: string, storeStaging: string): TargetDirectory {
  const path = resolve(directory);
  const made = attempt(path, () => makeDirectories(path, 0o755));
  const undo = (): void => {
    for (const parent of made) tolerate(() => rmdirSync(parent));
  };
  try {
    return attempt(path, () => {
      requireEmpty(path);
      if (canRename(storeStaging, path)) return { path, staging: storeStaging, children: false, undo };
      const staging = join(path, `${stagingPrefix}${process.pid}-${startOf(process.pid)}`);
      mkdirSync(staging, { mode: 0o700 });
      return { path, staging, children: true, undo };
    });
  } catch (error) {
    undo();
    throw error;
  }
}

function attempt<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw writeError(`unpack into ${path}`, error);
  }
}

function requireEmpty(path: string): void {
  for (const name of readdirSync(path)) {
    if (isDeadStaging(name)) continue;
    throw new BoxError('ERR_BOX_DIRECTORY_NOT_EMPTY', `cannot unpack into ${path}: it has files in it already`, {
      hint: 'Name a directory that is empty, or one that does not exist yet.',
      fields: { path },
    });
  }
}

/** What a killed process left is no file of the user's; it goes with the next success, or by the caller's hand. */
function isDeadStaging(name: string): boolean {
  if (!name.startsWith(stagingPrefix)) return false;
  const [pid = '', start = ''] = name.slice(stagingPrefix.length).split('-');
  return startOf(Number(pid)) !== start;
}

/** When a process started, in clock ticks since boot, so that a reused number is told apart. proc_pid_stat(5), field 22. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return 'ended';
  }
}

/** Staging directories that killed processes left in the directory. */
export function deadStagings(path: string): string[] {
  return readdirSync(path)
    .filter(isDeadStaging)
    .map((name) => join(path, name));
}

/** Bind mounts have the same device number and still refuse: only trying tells. */
function canRename(staging: string, path: string): boolean {
  const parent = dirname(path);
  if (statSync(staging).dev !== statSync(parent).dev || lstatSync(path).isSymbolicLink()) return false;
  if (statSync(parent).dev !== statSync(path).dev) return false;
  const probe = `.${basename(path).slice(0, 64)}.box-${randomBytes(6).toString('hex')}`;
  const [from, to] = [join(staging, probe), join(parent, probe)];
  mkdirSync(from);
  try {
    renameSync(from, to);
    rmdirSync(to);
  } catch {
    tolerate(() => rmdirSync(from));
    return false;
  }
  return !isMountPoint(path);
}

/** A bind mount of the same file system on the very directory: its own mount has another number. */
function isMountPoint(path: string): boolean {
  const wanted = ` ${path.replaceAll(/[ \t\n\\]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`)} `;
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .some((line) => line.includes(wanted));
  } catch {
    return false;
  }
}

function tolerate(act: () => void): void {
  try {
    act();
  } catch {
    // Not empty, or gone: not ours to remove.
  }
}
