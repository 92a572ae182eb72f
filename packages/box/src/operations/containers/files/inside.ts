import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type BoxEvent, BoxError, type IdMap, type OverlayRootfs } from '@boxkit/contracts';
import { startPlan } from '@boxkit/launcher';
import { effectiveIdMap, enterRootfsPlan, killInIdMap, spawnInIdMap } from '@boxkit/linux';
import type { ContainerRecord } from '@boxkit/store';
import { firstProcess, wrongState } from '../find.ts';
import { openRoot } from './open-inside.ts';
import { readBundle } from '../saved-bundle.ts';
import type { FilesJob, FilesReport } from './files-job.ts';

/** Where a container's root is: a directory that can be opened, or an overlay that nothing has mounted any more. */
export type FilesPlace =
  | { readonly kind: 'directory'; readonly path: string; readonly idMap: IdMap }
  | { readonly kind: 'overlay'; readonly rootfs: OverlayRootfs };

/** The root that the container's first process has, or that of one that has ended. Throws ERR_BOX_CONTAINER_STATE. */
export function filesPlace(record: ContainerRecord, what: string): FilesPlace {
  if (record.status === 'created') throw wrongState(record, what, 'it was never started');
  const { rootfs } = readBundle(record.path);
  const pid = firstProcess(record);
  if (pid !== undefined) return { kind: 'directory', path: `/proc/${pid}/root`, idMap: rootfs.idMap };
  if (rootfs.kind === 'overlay') return { kind: 'overlay', rootfs };
  if (existsSync(rootfs.path)) return { kind: 'directory', path: rootfs.path, idMap: rootfs.idMap };
  throw wrongState(record, what, `its directory ${rootfs.path} is gone`);
}

export interface FilesProcessOptions {
  /** The store's. */
  readonly home: string;
  readonly signal?: AbortSignal;
  readonly emit: (event: BoxEvent) => void;
  /** What happens, for the message of an error; continues "cannot ...". */
  readonly action: string;
}

/** A process at work. Its streams are null where the job has no use for them. */
export interface FilesProcess {
  readonly input: Writable | null;
  readonly output: Readable | null;
  /** Resolves at the end; rejects with what went wrong, or the signal's reason. Its output must be read. */
  readonly done: Promise<void>;
  /** Ends it when it is not wanted any more. */
  end(): void;
}

const workerFile = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './files-worker.ts' : './files-worker.js', import.meta.url),
);

/**
 * Does a job with a container's files as root of the container's user namespace, so that files are read, made and
 * counted by the ids that mean something inside, whoever the caller is; for root this is just a process.
 */
export function startFilesProcess(place: FilesPlace, job: FilesJob, options: FilesProcessOptions): FilesProcess {
  options.signal?.throwIfAborted();
  const argv = [process.execPath, workerFile, JSON.stringify(job)] as const;
  const stdio = [
    job.do === 'unpack' ? 'pipe' : 'ignore',
    ['pack', 'layer', 'changes'].includes(job.do) ? 'pipe' : 'ignore',
    'pipe',
  ] as const;
  const started = place.kind === 'overlay' ? startMounted() : startHere(place);
  const { child } = started;
  const end = (): void => killInIdMap(child);
  options.signal?.addEventListener('abort', end, { once: true });
  const done = finish(started, options).finally(() => options.signal?.removeEventListener('abort', end));
  // Who reads the output awaits it after that.
  done.catch(() => {});
  child.stdin?.on('error', () => {});
  return { input: child.stdin, output: child.stdout, done, end };

  function startMounted(): Started {
    return startPlan(enterRootfsPlan((place as { readonly rootfs: OverlayRootfs }).rootfs, argv), {
      home: options.home,
      stdio: [...stdio],
    });
  }

  function startHere({ path, idMap }: Extract<FilesPlace, { kind: 'directory' }>): Started {
    using root = openRoot(path);
    const child = spawnInIdMap(effectiveIdMap(idMap), argv, { cwd: '/', stdio: [...stdio, root.fd] });
    return { child, failure: Promise.resolve(undefined) };
  }
}

interface Started {
  readonly child: ChildProcess;
  readonly failure: Promise<string | undefined>;
}

async function finish({ child, failure }: Started, options: FilesProcessOptions): Promise<void> {
  const said = child.stderr === null ? '' : text(child.stderr);
  const cannot = (why: string, cause?: unknown): BoxError =>
    new BoxError('ERR_BOX_FILE_UNREADABLE', `cannot ${options.action}: ${why}`, cause === undefined ? {} : { cause });
  const [code, by] = (await once(child, 'close').catch((cause: unknown) => {
    throw cannot(String(cause), cause);
  })) as [number | null, NodeJS.Signals | null];
  options.signal?.throwIfAborted();
  const words: string[] = [];
  for (const line of (await said).split('\n').filter((one) => one !== '')) {
    const report = parseReport(line);
    if (report === undefined) words.push(line);
    else if ('event' in report) options.emit(report.event);
    else {
      const { code: errorCode, message, ...others } = report.error;
      throw new BoxError(errorCode, message, others);
    }
  }
  if (code === 0) return;
  throw cannot((await failure) ?? (words.join('; ') || `its process ended with ${by ?? `status ${code}`}`));
}

function parseReport(line: string): FilesReport | undefined {
  try {
    return JSON.parse(line) as FilesReport;
  } catch {
    return undefined;
  }
}
