import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { formatLogEntry, formerLogFile, logFile, type LogStream, splitLines } from './log-format.ts';

export interface LogWriter extends Disposable {
  /** Appends what a container wrote. Never throws: a full disk loses log, and stops no container. */
  write(stream: LogStream, bytes: Buffer): void;
}

export interface LogWriterOptions {
  /** Bytes of both files together; the older half goes first. */
  readonly limit?: number;
}

const defaultLimit = 32 * 1024 * 1024;

/** Opens the log of a container's directory for appending. One process writes it; others may read meanwhile. */
export function openLogWriter(directory: string, { limit = defaultLimit }: LogWriterOptions = {}): LogWriter {
  const path = join(directory, logFile);
  let fd = openSync(path, 'a', 0o600);
  let size = fstatSync(fd).size;
  const rotate = (): void => {
    closeSync(fd);
    renameSync(path, join(directory, formerLogFile));
    fd = openSync(path, 'a', 0o600);
    size = 0;
  };
  return {
    write(stream, bytes) {
      const time = new Date().toISOString();
      const lines = splitLines(bytes).map((line) => formatLogEntry({ time, stream, bytes: line }));
      try {
        for (const text of groups(lines, limit / 2)) {
          if (size > 0 && size + text.length > limit / 2) rotate();
          size += text.length;
          for (let written = 0; written < text.length;) written += writeSync(fd, text, written);
        }
      } catch {
        // no space, or the directory was removed under us
      }
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

/** Few writes for many short lines. */
function* groups(lines: readonly string[], limit: number): Generator<Buffer> {
  let group: Buffer[] = [];
  let size = 0;
  for (const line of lines) {
    const bytes = Buffer.from(line);
    if (size > 0 && size + bytes.length > limit) {
      yield Buffer.concat(group);
      group = [];
      size = 0;
    }
    group.push(bytes);
    size += bytes.length;
  }
  if (size > 0) yield Buffer.concat(group);
}
