import { readFileSync, renameSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerUses, ExitStatus } from '@boxkit/contracts';
import { errnoOf, unless } from './disk-error.ts';
import { isAlive, type Owner } from './owner.ts';

export type ContainerStatus = 'created' | 'running' | 'exited';

/** What `state.json` holds. Written by the container's owner alone. Plain data. */
export interface ContainerState {
  readonly containerId: string;
  /** ISO 8601. */
  readonly created: string;
  readonly status: ContainerStatus;
  /** The process that made it, or the supervisor that took it over. */
  readonly owner: Owner;
  /** Whether it stays when its owner lets go of it; otherwise it is removed, by a later process if need be. */
  readonly kept: boolean;
  readonly uses?: ContainerUses;
  /** The container's first process, as the host sees it; since `running`. */
  readonly process?: Owner;
  readonly started?: string;
  readonly finished?: string;
  readonly exit?: ExitStatus;
  /** The caller's own: options, labels, the image's name. JSON. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** A container as it is now. */
export interface ContainerRecord extends ContainerState {
  readonly name: string;
  /** Absolute path of its directory. */
  readonly path: string;
}

export const stateFile = 'state.json';
/** Beside the state, since others than the owner may rename a container. */
export const nameFile = 'name';

/** Where the state is for the moment in which a new one takes its place. */
const formerStateFile = 'state.former.json';

/** Whether a file of a container's directory is a record of the store, and not its caller's. */
export function isRecordFile(name: string): boolean {
  return name === stateFile || name === formerStateFile || name === nameFile;
}

/**
 * Puts a new state in place of another, atomically for readers. Not by rename(2) over the old one: ext4 would flush
 * the new file to the disk for that, and the removal of a container that lived for 10 ms would wait for the flush.
 */
export function replaceState(path: string, staged: string): void {
  const current = join(path, stateFile);
  const former = join(path, formerStateFile);
  renameSync(current, former);
  renameSync(staged, current);
  unlinkSync(former);
}

function readState(path: string): ContainerState {
  for (const file of [stateFile, formerStateFile]) {
    const text = unless('ENOENT', undefined, () => readFileSync(join(path, file), 'utf8'));
    if (text !== undefined) return JSON.parse(text) as ContainerState;
  }
  // Both were missed: the new one came between the two looks, or there is none.
  return JSON.parse(readFileSync(join(path, stateFile), 'utf8')) as ContainerState;
}

/** Reads a container's directory and corrects what its killed owner could not; undefined when it is no container (any more). */
export function readContainer(path: string): ContainerRecord | undefined {
  try {
    const state = readState(path);
    const name = readFileSync(join(path, nameFile), 'utf8');
    return isState(state) ? { ...observed(state), name, path } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** The file may hold any JSON. */
function isState(state: Partial<ContainerState> | null): boolean {
  return [state?.containerId, state?.created, state?.owner, state?.status].every((field) => typeof field === 'string');
}

/** The state as the process table has it: what nobody was left to write down. */
function observed(state: ContainerState): ContainerState {
  const changed = Date.parse(state.started ?? state.created);
  if (state.status !== 'running' || state.process === undefined || isAlive(state.process, changed)) return state;
  // Its owner is about to write the status down.
  if (isAlive(state.owner, changed)) return state;
  return {
    ...state,
    status: 'exited',
    exit: { code: 125, reason: 'its end was not seen: the process that watched it was killed' },
  };
}

/** Whether nobody will ever use it again: not kept, its owner gone, nothing running in it. */
export function isForsaken(record: ContainerRecord): boolean {
  return !record.kept && record.status !== 'running' && !isAlive(record.owner, Date.parse(record.created));
}
