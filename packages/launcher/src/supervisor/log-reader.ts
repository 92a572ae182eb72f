import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { formerLogFile, type LogEntry, logFile, parseLogEntry } from './log-format.ts';

export interface ReadLogOptions {
  /** Entries of this time and later, in milliseconds since 1970. */
  readonly since?: number;
  /** Entries before this time. */
  readonly until?: number;
  /** Only the last lines, this many. */
  readonly tail?: number;
  /** Goes on with what is written from now on, until this says that nothing will be. */
  readonly follow?: { readonly ended: () => Promise<boolean> };
  readonly signal?: AbortSignal;
}

/** Milliseconds between looks for more. */
const pause = 100;

/** The log of a container's directory, oldest first; nothing when there is none. */
export async function* readLog(directory: string, options: ReadLogOptions = {}): AsyncGenerator<LogEntry, void> {
  const { since, until = Infinity, tail, follow, signal } = options;
  using cursor = new LogCursor(directory);
  const wanted = ({ time }: LogEntry): boolean => {
    const at = Date.parse(time);
    return (since === undefined || at >= since) && at < until;
  };
  const last = tail === undefined ? undefined : new Tail(tail);
  for (const entry of cursor.read()) {
    if (!wanted(entry)) continue;
    if (last === undefined) yield entry;
    else last.add(entry);
  }
  yield* last?.entries ?? [];
  if (follow === undefined) return;
  for (;;) {
    signal?.throwIfAborted();
    // asked before the read: what was written before the end is then read
    const ended = await follow.ended();
    for (const entry of cursor.read()) if (wanted(entry)) yield entry;
    if (ended || Date.now() > until) return;
    await delay(pause, undefined, signal === undefined ? {} : { signal });
  }
}

const endsLine = ({ bytes }: LogEntry): boolean => bytes.at(-1) === 0x0a;

/** The last lines of what is added; one that is not finished counts when it is the last. */
class Tail {
  readonly #count: number;
  readonly #entries: LogEntry[] = [];
  #finished = 0;

  constructor(count: number) {
    this.#count = count;
  }

  add(entry: LogEntry): void {
    this.#entries.push(entry);
    if (endsLine(entry)) this.#finished += 1;
    const lines = (): number => this.#finished + (endsLine(entry) ? 0 : 1);
    while (lines() > this.#count) {
      const dropped = this.#entries.shift();
      if (dropped === undefined || dropped === entry) return;
      if (endsLine(dropped)) this.#finished -= 1;
    }
  }

  get entries(): readonly LogEntry[] {
    return this.#entries;
  }
}

/** Reads on from where it was, through a change of files. */
class LogCursor implements Disposable {
  readonly #directory: string;
  #fd: number | undefined;
  #rest = '';

  constructor(directory: string) {
    this.#directory = directory;
    this.#fd = openFile(join(directory, formerLogFile)) ?? openFile(join(directory, logFile));
  }

  *read(): Generator<LogEntry> {
    for (;;) {
      this.#fd ??= openFile(join(this.#directory, logFile));
      if (this.#fd === undefined) return;
      yield* this.#drain(this.#fd);
      if (!this.#isFormer(this.#fd)) return;
      // the writer has turned to a new file, but perhaps after our last read
      yield* this.#drain(this.#fd);
      this[Symbol.dispose]();
      this.#rest = '';
    }
  }

  *#drain(fd: number): Generator<LogEntry> {
    const buffer = Buffer.allocUnsafe(64 * 1024);
    for (let length = readSync(fd, buffer); length > 0; length = readSync(fd, buffer)) {
      // latin1 keeps a character that is cut in two; the lines are decoded when they are whole
      const lines = (this.#rest + buffer.toString('latin1', 0, length)).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        const entry = parseLogEntry(Buffer.from(line, 'latin1').toString('utf8'));
        if (entry !== undefined) yield entry;
      }
    }
  }

  /** Whether the file is no longer the one that is written. */
  #isFormer(fd: number): boolean {
    const current = statSync(join(this.#directory, logFile), { throwIfNoEntry: false });
    return current !== undefined && current.ino !== fstatSync(fd).ino;
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function openFile(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    // not there (yet)
    return undefined;
  }
}
