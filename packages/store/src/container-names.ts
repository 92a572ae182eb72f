import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BoxError } from '@boxkit/contracts';
import { errnoOf, unless } from './disk-error.ts';
import type { Layout } from './layout.ts';
import { isAlive, stagingName, thisProcess } from './owner.ts';

/*
 * A claim of a name is a directory with one file in it: names/<name>/<containerId>-<owner>. rename(2) puts a directory
 * over another only when that is empty, so the kernel decides between two claimants without a lock. A claim is removed
 * by the name of its file, which no other claim ever has, so nobody removes a claim that came after the one they saw.
 */

/** Takes `name` for a container that is about to exist; false when another has it. */
export function claimName(layout: Layout, name: string, containerId: string): boolean {
  const staged = join(layout.tmp, stagingName('name'));
  mkdirSync(staged, { mode: 0o700 });
  try {
    writeFileSync(join(staged, `${containerId}-${thisProcess()}`), '', { flag: 'wx' });
    while (!moveClaim(staged, join(layout.names, name))) {
      if (!removeStaleClaim(layout, name)) return false;
    }
    return true;
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

function moveClaim(staged: string, target: string): boolean {
  try {
    renameSync(staged, target);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a claim whose container is gone and whose claimant died; false when the name is taken. */
function removeStaleClaim(layout: Layout, name: string): boolean {
  for (const claim of claims(layout, name)) {
    const [containerId = '', owner = ''] = claim.split('-');
    if (existsSync(join(layout.containers, containerId)) || isAlive(owner, Date.now())) return false;
    unless('ENOENT', undefined, () => unlinkSync(join(layout.names, name, claim)));
  }
  return true;
}

/** Gives the name back, if the container has it. */
export function freeName(layout: Layout, name: string, containerId: string): void {
  for (const claim of claims(layout, name)) {
    if (claim.startsWith(`${containerId}-`))
      unless('ENOENT', undefined, () => unlinkSync(join(layout.names, name, claim)));
  }
  try {
    rmdirSync(join(layout.names, name));
  } catch (error) {
    const errno = errnoOf(error);
    // Claimed again already, or removed by another.
    if (errno !== 'ENOTEMPTY' && errno !== 'EEXIST' && errno !== 'ENOENT') throw error;
  }
}

/** The containerId that has the name. */
export function nameHolder(layout: Layout, name: string): string | undefined {
  return isName(name) ? claims(layout, name)[0]?.split('-')[0] : undefined;
}

function claims(layout: Layout, name: string): string[] {
  return unless('ENOENT', [], () => readdirSync(join(layout.names, name)));
}

export function isName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(name);
}

/** Throws ERR_BOX_NAME_INVALID. */
export function checkName(name: string): void {
  if (isName(name)) return;
  throw new BoxError('ERR_BOX_NAME_INVALID', `cannot name a container ${JSON.stringify(name.slice(0, 160))}`, {
    hint: 'A name starts with a letter or a digit, goes on with letters, digits, "_", "." and "-", and has at most 128 of them.',
  });
}
