import { isUtf8 } from 'node:buffer';

/** Which of a container's streams bytes came from; a terminal has `stdout` only. */
export type LogStream = 'stdout' | 'stderr';

/** One line, with its newline, or a part of one that was not finished when it was written. */
export interface LogEntry {
  /** ISO 8601. */
  readonly time: string;
  readonly stream: LogStream;
  readonly bytes: Buffer;
}

export const logFile = 'log';
/** What was written before the file was full. */
export const formerLogFile = 'log.1';

/** An entry as a line of JSON: text where the bytes are UTF-8, else base64, so that every byte survives. */
export function formatLogEntry({ time, stream, bytes }: LogEntry): string {
  const content = isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
  return `${JSON.stringify({ time, stream, ...content })}\n`;
}

/** Undefined for a line that was torn by a crash. */
export function parseLogEntry(line: string): LogEntry | undefined {
  try {
    const { time, stream, text, base64 } = JSON.parse(line) as Record<string, string>;
    if (time === undefined || (stream !== 'stdout' && stream !== 'stderr')) return undefined;
    return { time, stream, bytes: text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text) };
  } catch {
    return undefined;
  }
}

/** Cuts bytes after each newline. */
export function splitLines(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline + 1;
    lines.push(bytes.subarray(start, end));
    start = end;
  }
  return lines;
}
