import type { Duplex } from 'node:stream';
import { parseReports, type StubReport } from '@boxkit/linux';

/** What the stub tells, while it comes and when it has ended. */
export interface ReportReader {
  /** Resolves to true when everything is set up, to false when the reports end without it. */
  readonly ready: Promise<boolean>;
  /** Resolves to true when the command has been executed, to false when it could not be or nothing was reported. */
  readonly executed: Promise<boolean>;
  /** Resolves to true when the stub waits for an answer, to false when it does not. */
  readonly waiting: Promise<boolean>;
  /** Lets a stub that waits go on. */
  readonly answer: () => void;
  /** All reports; resolves at the end of the stream. */
  readonly all: Promise<readonly StubReport[]>;
}

/** Reads the report channel. A stream without a stub behind it ends at once, with no reports. */
export function readReports(stream: Duplex | undefined): ReportReader {
  if (stream === undefined) {
    const no = Promise.resolve(false);
    const yes = Promise.resolve(true);
    return { ready: yes, executed: yes, waiting: no, answer: () => {}, all: Promise.resolve([]) };
  }
  const chunks: Buffer[] = [];
  const { promise: ready, resolve: setReady } = Promise.withResolvers<boolean>();
  const { promise: executed, resolve: setExecuted } = Promise.withResolvers<boolean>();
  const { promise: waiting, resolve: setWaiting } = Promise.withResolvers<boolean>();
  const { promise: all, resolve: setAll } = Promise.withResolvers<readonly StubReport[]>();
  const reports = (): readonly StubReport[] => parseReports(Buffer.concat(chunks));
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    const kinds = reports().map(({ kind }) => kind);
    if (kinds.includes('waiting')) setWaiting(true);
    if (kinds.includes('ready')) setReady(true);
    if (kinds.includes('executed')) setExecuted(!kinds.includes('failed'));
    if (kinds.includes('ready')) setWaiting(false);
  });
  stream.on('error', () => {
    // a reset is an end: what was reported counts
  });
  stream.on('close', () => {
    const list = reports();
    setWaiting(list.some(({ kind }) => kind === 'waiting'));
    setReady(list.some(({ kind }) => kind === 'ready'));
    // without a process of box's own outside, executing the command is what closes the channel
    setExecuted(list.some(({ kind }) => kind === 'ready') && !list.some(({ kind }) => kind === 'failed'));
    setAll(list);
  });
  return { ready, executed, waiting, answer: () => void stream.write('\n'), all };
}
