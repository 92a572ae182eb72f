import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerDirectory, ContainerTable, ContainerUses } from '@boxkit/contracts';
import { BoxError } from '@boxkit/contracts';
import { randomHex } from '@boxkit/linux';
import { checkName, claimName, freeName, nameHolder } from './container-names.ts';
import {
  type ContainerRecord,
  type ContainerState,
  isForsaken,
  nameFile,
  readContainer,
  replaceState,
  stateFile,
} from './container-record.ts';
import { diskError } from './disk-error.ts';
import { generateName } from './names.ts';
import { stagingName, thisProcess } from './owner.ts';
import { removeContainer } from './remove-container.ts';
import { replaceFile } from './replace-file.ts';
import type { Session } from './session.ts';

export interface CreateContainerOptions {
  readonly name?: string;
  readonly uses?: ContainerUses;
  /** The caller's own data, kept in the state. JSON. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What an owner may change of a state. */
export type ContainerChange = Partial<Omit<ContainerState, 'containerId' | 'created'>>;

export interface DiskContainer extends ContainerDirectory {
  /** Writes a change into the state, atomically. Only the owner may. */
  update(change: ContainerChange): Promise<void>;
  /** Lets the container stay after `dispose`, and after this process. */
  keep(): Promise<void>;
}

export interface DiskContainerTable extends ContainerTable {
  create(options?: CreateContainerOptions): Promise<DiskContainer>;
  /** All of them, oldest first, each as it is now: a container whose process and owner were killed has exited. */
  list(): Promise<readonly ContainerRecord[]>;
  /** By containerId, name, or the beginning of a containerId; undefined when there is none. Throws ERR_BOX_USAGE when the beginning fits several. */
  find(text: string): Promise<ContainerRecord | undefined>;
  /**
   * Takes a container over from the process that made it: this one writes its state from now on, and removes it when
   * disposed unless it is kept. Throws ERR_BOX_CONTAINER_UNKNOWN.
   */
  adopt(containerId: string): Promise<DiskContainer>;
  /** Throws ERR_BOX_NAME_IN_USE, ERR_BOX_NAME_INVALID, ERR_BOX_CONTAINER_UNKNOWN. */
  rename(containerId: string, name: string): Promise<void>;
  /** Removes the directory and frees the name; false when there was none. What runs in it must have been ended before. */
  remove(containerId: string): Promise<boolean>;
}

export function createContainerTable(session: Session): DiskContainerTable {
  const { layout, removeTree, endForsaken } = session;
  const pathOf = (containerId: string): string => join(layout.containers, containerId);

  async function remove(containerId: string): Promise<boolean> {
    try {
      return await removeContainer(layout, removeTree, containerId);
    } catch (error) {
      throw diskError(`remove the container ${containerId}`, error);
    }
  }

  function read(containerId: string): ContainerRecord | undefined {
    try {
      return readContainer(pathOf(containerId));
    } catch (error) {
      throw diskError(`read the container ${containerId}`, error);
    }
  }

  async function find(text: string): Promise<ContainerRecord | undefined> {
    if (/^[0-9a-f]{64}$/.test(text)) return read(text);
    const holder = nameHolder(layout, text);
    const named = holder === undefined ? undefined : read(holder);
    if (named !== undefined || !/^[0-9a-f]+$/.test(text)) return named;
    const fitting = readdirSync(layout.containers).filter((containerId) => containerId.startsWith(text));
    if (fitting.length > 1) {
      throw new BoxError('ERR_BOX_USAGE', `cannot tell which container ${text} is: ${fitting.length} begin with it`, {
        hint: 'Give more of its digits, or its name.',
        fields: { matches: fitting },
      });
    }
    return fitting[0] === undefined ? undefined : read(fitting[0]);
  }

  function known(containerId: string): ContainerRecord {
    const record = read(containerId);
    if (record !== undefined) return record;
    throw new BoxError('ERR_BOX_CONTAINER_UNKNOWN', `cannot find the container ${containerId}`, {
      hint: '`box ps -a` lists those there are.',
      fields: { containerId },
    });
  }

  /** In one turn of the event loop, so that no other handle of this process comes between the read and the write. */
  function change(containerId: string, changes: ContainerChange): void {
    const { name, path, ...state } = known(containerId);
    try {
      const staged = join(layout.tmp, stagingName('state'));
      writeFileSync(staged, serialise({ ...state, ...changes }), { mode: 0o600 });
      replaceState(path, staged);
    } catch (error) {
      throw diskError(`write the state of the container ${name}`, error);
    }
  }

  function handle(containerId: string, name: string): DiskContainer {
    return {
      containerId,
      name,
      path: pathOf(containerId),
      async update(changes) {
        change(containerId, changes);
      },
      async keep() {
        change(containerId, { kept: true });
      },
      async [Symbol.asyncDispose]() {
        const record = read(containerId);
        // Kept through another handle, or taken over by a supervisor.
        if (record === undefined || record.kept || record.owner !== thisProcess()) return;
        await remove(containerId);
      },
    };
  }

  return {
    async create({ name, uses, details } = {}) {
      if (name !== undefined) checkName(name);
      const state: ContainerState = {
        containerId: randomHex(32),
        created: new Date().toISOString(),
        status: 'created',
        owner: thisProcess(),
        kept: false,
        ...(uses === undefined ? {} : { uses }),
        ...(details === undefined ? {} : { details }),
      };
      const staged = join(layout.tmp, stagingName('container'));
      let claimed: string | undefined;
      try {
        mkdirSync(staged, { mode: 0o700 });
        writeFileSync(join(staged, stateFile), serialise(state), { mode: 0o600 });
        claimed = await claim(state.containerId, name);
        writeFileSync(join(staged, nameFile), claimed, { mode: 0o600 });
        renameSync(staged, pathOf(state.containerId));
        return handle(state.containerId, claimed);
      } catch (error) {
        rmSync(staged, { recursive: true, force: true });
        if (claimed !== undefined) freeName(layout, claimed, state.containerId);
        throw diskError(`make a container in the store ${layout.home}`, error);
      }
    },
    async list() {
      return readdirSync(layout.containers)
        .map(read)
        .filter((record) => record !== undefined)
        .sort((a, b) => a.created.localeCompare(b.created));
    },
    find,
    async adopt(containerId) {
      const { name } = known(containerId);
      change(containerId, { owner: thisProcess() });
      return handle(containerId, name);
    },
    async rename(containerId, name) {
      checkName(name);
      const record = known(containerId);
      if (record.name === name) return;
      try {
        if (!(await take(name, containerId))) throw inUse(name);
        replaceFile(layout, join(pathOf(containerId), nameFile), name, { durable: false });
        freeName(layout, record.name, containerId);
      } catch (error) {
        throw diskError(`rename the container ${record.name}`, error);
      }
    },
    remove,
  };

  /** Takes the name, from a container that nobody was left to remove if need be. */
  async function take(name: string, containerId: string): Promise<boolean> {
    if (claimName(layout, name, containerId)) return true;
    const holder = await find(name);
    if (holder === undefined || !isForsaken(holder)) return false;
    await endForsaken(holder);
    await remove(holder.containerId);
    return claimName(layout, name, containerId);
  }

  async function claim(containerId: string, wanted: string | undefined): Promise<string> {
    if (wanted !== undefined) {
      if (await take(wanted, containerId)) return wanted;
      throw inUse(wanted);
    }
    for (let attempt = 0; ; attempt += 1) {
      const name = generateName(attempt);
      if (claimName(layout, name, containerId)) return name;
    }
  }
}

function inUse(name: string): BoxError {
  return new BoxError('ERR_BOX_NAME_IN_USE', `cannot name the container ${name}: another has that name`, {
    hint: `Remove it with \`box rm ${name}\`, or choose another name.`,
    fields: { name },
  });
}

function serialise(state: ContainerState): string {
  return `${JSON.stringify(state, undefined, 1)}\n`;
}
