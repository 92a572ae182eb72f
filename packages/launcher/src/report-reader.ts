import type { Duplex } from 'node:stream';
import { parseReports, type StubReport } from '@boxkit/linux';

/** What the stub tells, while it comes and when it has ended. */
export interface ReportReader {
  /** Resolves to true when everything is set up, to false when the reports end without it. */
  readonly ready: Promise<boolean>;
  /** All reports; resolves at the end of the stream. */
  readonly all: Promise<readonly StubReport[]>;
}

/** Reads the report channel. A stream without a stub behind it ends at once, with no reports. */
export function readReports(stream: Duplex | undefined): ReportReader {
  if (stream === undefined) return { ready: Promise.resolve(true), all: Promise.resolve([]) };
  const chunks: Buffer[] = [];
  const { promise: ready, resolve: setReady } = Promise.withResolvers<boolean>();
  const { promise: all, resolve: setAll } = Promise.withResolvers<readonly StubReport[]>();
  const reports = (): readonly StubReport[] => parseReports(Buffer.concat(chunks));
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (reports().some(({ kind }) => kind === 'ready')) setReady(true);
  });
  stream.on('error', () => {
    // a reset is an end: what was reported counts
  });
  stream.on('close', () => {
    const list = reports();
    setReady(list.some(({ kind }) => kind === 'ready'));
    setAll(list);
  });
  return { ready, all };
}
