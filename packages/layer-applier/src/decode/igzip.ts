import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { makePipe } from '@boxkit/linux';
import { ExtractFailure, invalid } from '../extract/layer-error.ts';
import type { TarChannel } from './tar-channel.ts';

/** Below this, starting a process costs more than it saves. Bytes of the blob. */
const leastSize = 2 ** 20;
const pipeSize = 2 ** 20;

let found: { readonly path: string | undefined } | undefined;

/**
 * igzip (Debian's isal), which inflates twice as fast as zlib: an accelerator where it is installed, never needed.
 * BOX_INFLATE=zlib does without it.
 */
function igzipPath(): string | undefined {
  if (process.env['BOX_INFLATE'] === 'zlib') return undefined;
  found ??= {
    path: (process.env['PATH'] ?? '')
      .split(delimiter)
      .map((folder) => join(folder, 'igzip'))
      .find(isProgram),
  };
  return found.path;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return path.startsWith('/');
  } catch {
    return false;
  }
}

/**
 * A channel through igzip, which reads `file` when it is given, else what is fed. Undefined when there is no igzip, when
 * it cannot be started, and for blobs so small that zlib is done sooner.
 */
export function openIgzip(size: number, file: string | undefined): TarChannel | undefined {
  const program = size < leastSize ? undefined : igzipPath();
  if (program === undefined) return undefined;
  const started = start(program, file);
  if (started === undefined) return undefined;
  const { child, fd, ended } = started;
  let halted = false;
  return {
    input: { kind: 'pipe', fd },
    async feed(first, chunks) {
      await feed(child, first, chunks, () => halted);
      const { code, signal } = await ended;
      if (code === 1) throw invalid('the gzip stream is damaged or ends early');
      if (code !== 0 && !halted) {
        throw new ExtractFailure('ERR_BOX_EXTRACT_FAILED', `igzip ended with ${signal ?? `status ${code}`}`, {
          hint: 'Set BOX_INFLATE=zlib to do without it.',
        });
      }
    },
    halt() {
      halted = true;
      child.kill('SIGKILL');
      child.stdin?.destroy();
    },
  };
}

interface Started {
  readonly child: ChildProcess;
  /** Where the tar comes out; the caller's to close. */
  readonly fd: number;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

function start(program: string, file: string | undefined): Started | undefined {
  const input = file === undefined ? undefined : openSync(file, 'r');
  let pipe: ReturnType<typeof makePipe> | undefined;
  try {
    pipe = makePipe(pipeSize);
    const child = spawn(program, ['-dc'], { stdio: [input ?? 'pipe', pipe.write, 'ignore'], env: {} });
    child.on('error', () => {});
    if (child.pid === undefined) {
      closeSync(pipe.read);
      return undefined;
    }
    const { promise, resolve } = Promise.withResolvers<Awaited<Started['ended']>>();
    child.once('exit', (code, signal) => resolve({ code, signal }));
    return { child, fd: pipe.read, ended: promise };
  } catch {
    // Short of descriptors or processes: zlib needs neither.
    if (pipe !== undefined) closeSync(pipe.read);
    return undefined;
  } finally {
    if (pipe !== undefined) closeSync(pipe.write);
    if (input !== undefined) closeSync(input);
  }
}

/** Writes the blob into the process; one that reads the file itself has the chunks only verified and counted. */
async function feed(
  { stdin }: ChildProcess,
  start: Uint8Array,
  chunks: AsyncIterator<Uint8Array>,
  isHalted: () => boolean,
): Promise<void> {
  // EPIPE: it has ended, and its status says why.
  stdin?.on('error', () => {});
  let chunk: Uint8Array | undefined = start;
  while (chunk !== undefined && !isHalted()) {
    if (stdin !== null && !stdin.destroyed) await written(stdin, chunk);
    const next: IteratorResult<Uint8Array> = await chunks.next();
    chunk = next.done === true ? undefined : next.value;
  }
  stdin?.end();
}

/** Resolves when a chunk has been taken over, or will never be: until then its memory must not change. */
function written(stdin: NonNullable<ChildProcess['stdin']>, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    stdin.write(chunk, () => resolve());
  });
}
