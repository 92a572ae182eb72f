import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ContainerRecord } from '@boxkit/store';
import type { Machine } from '../../machine.ts';
import { findContainer } from '../find.ts';
import type { CopyOptions } from '../types.ts';
import type { FilesJob } from './files-job.ts';
import { type FilesProcess, filesPlace, startFilesProcess } from './inside.ts';
import { plainTar } from './plain-tar.ts';

type Paths = readonly [source: string, target: string];

export async function copyFrom(machine: Machine, text: string, [source, target]: Paths, options: CopyOptions) {
  const record = await findContainer(machine.store, text);
  const job = { do: 'copy-out', source, target, options: rulesOf(options) } as const;
  await start(machine, record, { job, options, action: `copy ${source} to ${target}` }).done;
}

export async function copyTo(machine: Machine, text: string, [source, target]: Paths, options: CopyOptions) {
  const record = await findContainer(machine.store, text);
  const job = { do: 'copy-in', source, target, options: rulesOf(options) } as const;
  await start(machine, record, { job, options, action: `copy ${source} to ${target}` }).done;
}

/** A tar of what is at a path of a container. */
export async function* packFrom(
  machine: Machine,
  text: string,
  source: string,
  options: CopyOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const record = await findContainer(machine.store, text);
  const job = { do: 'pack', source, options: rulesOf(options) } as const;
  const files = start(machine, record, { job, options, action: `copy ${source}` });
  try {
    for await (const chunk of files.output as Readable) yield chunk as Uint8Array;
    await files.done;
  } finally {
    files.end();
  }
}

/** Puts what a tar holds into a directory of a container. */
export async function unpackTo(
  machine: Machine,
  text: string,
  { target, tar }: { readonly target: string; readonly tar: AsyncIterable<Uint8Array> },
  options: CopyOptions,
): Promise<void> {
  const record = await findContainer(machine.store, text);
  const job = { do: 'unpack', target, options: rulesOf(options) } as const;
  const files = start(machine, record, { job, options, action: `copy a tar to ${target}` });
  if (files.input === null) throw new Error('the process reads a tar');
  // One that fails closes its end; why is what `done` says.
  const fed = pipeline(plainTar(tar), files.input).catch((error: unknown) => error);
  try {
    await files.done;
    const failure = await fed;
    if (failure !== undefined) throw failure;
  } catch (error) {
    files.end();
    const failure = await fed;
    throw isBrokenPipe(failure) ? error : (failure ?? error);
  }
}

const isBrokenPipe = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE');

interface Work {
  readonly job: FilesJob;
  readonly options: CopyOptions;
  readonly action: string;
}

function start(machine: Machine, record: ContainerRecord, { job, options, action }: Work): FilesProcess {
  return startFilesProcess(filesPlace(record, 'copy files of'), job, {
    home: machine.store.home,
    action,
    emit: (event) => machine.emit(event),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

function rulesOf({ followLink = false, archive = false }: CopyOptions) {
  return { followLink, archive };
}
