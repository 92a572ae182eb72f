import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { BoxError, type Volume, type VolumeTable, type VolumeUse } from '@boxkit/contracts';
import { diskError, errnoOf, unless } from './disk-error.ts';
import { moveToTrash } from './remove-tree.ts';
import { stagingName } from './owner.ts';
import type { Session } from './session.ts';

/*
 * volumes/<name>/ holds `users/<containerId>`, a claim that is void once that container is gone, and `content`, which is
 * empty until the first use and has the files in `data` from then on. It is `content` that is renamed into place, since
 * `data` may belong to a subordinate id, and only its owner may move a directory. A volume comes, is filled and goes by
 * one rename each, so nobody needs a lock: who claims looks whether the volume is still there after that, who removes
 * looks whether it was claimed after that.
 */
const claimsOf = (volume: string): string => join(volume, 'users');
const contentOf = (volume: string): string => join(volume, 'content');
const dataOf = (volume: string): string => join(contentOf(volume), 'data');

export function createVolumeTable({ layout, removeTree }: Session): VolumeTable {
  const pathOf = (name: string): string => join(layout.volumes, name);

  function read(name: string): Volume | undefined {
    const path = pathOf(name);
    const stat = statSync(claimsOf(path), { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    return { name, created: stat.birthtime.toISOString(), path: dataOf(path), users: usersOf(path) };
  }

  function usersOf(volume: string): string[] {
    const claims = unless('ENOENT', [], () => readdirSync(claimsOf(volume)));
    return claims.filter((containerId) => existsSync(join(layout.containers, containerId)));
  }

  function make(name: string): boolean {
    // a store that an earlier box made has no such directory
    mkdirSync(layout.volumes, { recursive: true, mode: 0o700 });
    const staged = join(layout.tmp, stagingName('volume'));
    const parts = [staged, claimsOf(staged), contentOf(staged)];
    for (const path of parts) mkdirSync(path, { mode: 0o700 });
    const made = moveUnlessThere(staged, pathOf(name));
    if (!made) for (const path of parts.toReversed()) rmdirSync(path);
    return made;
  }

  function claim(name: string, containerId: string): void {
    const path = join(claimsOf(pathOf(name)), containerId);
    for (;;) {
      const claimed = unless('ENOENT', false, () => {
        writeFileSync(path, '', { mode: 0o600 });
        return true;
      });
      if (claimed && existsSync(path)) return;
      make(name);
    }
  }

  /** All of it or nothing. Of many at the same time one wins, and the others find what it made. */
  async function fill(volume: string, { seed }: VolumeUse): Promise<void> {
    if (existsSync(dataOf(volume))) return;
    const staged = join(layout.tmp, stagingName('seed'));
    mkdirSync(staged, { mode: 0o700 });
    const data = join(staged, 'data');
    try {
      await seed?.(data);
      if (!existsSync(data)) mkdirSync(data, { mode: 0o755 });
      if (moveUnlessThere(staged, contentOf(volume))) return;
    } catch (error) {
      await removeTree(staged);
      throw error;
    }
    await removeTree(staged);
  }

  return {
    async create(name) {
      checkVolumeName(name);
      return guard(`make the volume ${name}`, async () => make(name));
    },
    async get(name) {
      return isVolumeName(name) ? guard(`read the volume ${name}`, async () => read(name)) : undefined;
    },
    async list() {
      return guard('list the volumes', async () => {
        const names = unless('ENOENT', [], () => readdirSync(layout.volumes));
        return names
          .map(read)
          .filter((volume) => volume !== undefined)
          .toSorted((a, b) => (a.name < b.name ? -1 : 1));
      });
    },
    async use(name, options) {
      checkVolumeName(name);
      return guard(`use the volume ${name}`, async () => {
        claim(name, options.containerId);
        options.signal?.throwIfAborted();
        await fill(pathOf(name), options);
        return dataOf(pathOf(name));
      });
    },
    async remove(name) {
      if (!isVolumeName(name)) return false;
      return guard(`remove the volume ${name}`, async () => {
        const path = pathOf(name);
        refuseUsed(name, usersOf(path));
        const trash = moveToTrash(layout, path);
        if (trash === undefined) return false;
        const users = usersOf(trash);
        if (users.length > 0) {
          renameSync(trash, path);
          refuseUsed(name, users);
        }
        await removeTree(trash);
        return true;
      });
    },
  };
}

/** rename(2) puts a directory over none or an empty one. */
function moveUnlessThere(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function refuseUsed(name: string, users: readonly string[]): void {
  if (users.length === 0) return;
  const some = users.map((containerId) => containerId.slice(0, 12)).join(', ');
  throw new BoxError('ERR_BOX_VOLUME_IN_USE', `cannot remove the volume ${name}: containers use it (${some})`, {
    hint: 'Remove them first, by `box rm`.',
    fields: { name, users },
  });
}

async function guard<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw diskError(what, error);
  }
}

/** What is wrong with the directory of a volume, in words; undefined for a sound one, and when it is gone. */
export function volumeProblem(path: string, name: string): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (!stat.isDirectory() || !isVolumeName(name)) return 'it is no volume';
  // A volume goes by one rename, so what lacks a part while it is still there has lost it.
  const missing = (part: string): boolean => !isDirectory(part) && existsSync(path);
  if (missing(claimsOf(path))) return 'its record of who uses it is missing, so that no list shows it';
  return missing(contentOf(path)) ? 'its content is missing' : undefined;
}

/** Whether a volume's directory, sound or not, has files of its user's. */
export function holdsFiles(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return stat !== undefined;
  const own = [claimsOf(path), contentOf(path)].filter(isDirectory).map((part) => basename(part));
  return readdirSync(path).some((name) => !own.includes(name)) || hasEntries(contentOf(path));
}

function hasEntries(directory: string): boolean {
  return isDirectory(directory) && readdirSync(directory).length > 0;
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Docker's grammar; no name can be a path, or hidden. */
function isVolumeName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(name);
}

/** Throws ERR_BOX_NAME_INVALID. */
function checkVolumeName(name: string): void {
  if (isVolumeName(name)) return;
  throw new BoxError('ERR_BOX_NAME_INVALID', `cannot name a volume ${JSON.stringify(name.slice(0, 160))}`, {
    hint: 'A name starts with a letter or a digit, goes on with letters, digits, "_", "." and "-", and has at most 128 of them; a directory of the host starts with / or ./',
  });
}
