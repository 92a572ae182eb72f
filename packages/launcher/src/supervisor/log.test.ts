import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLogWriter } from './log-writer.ts';
import { readLog, type ReadLogOptions } from './log-reader.ts';

describe('the log of a container', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'box-log-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const read = async (options: ReadLogOptions = {}): Promise<Buffer> =>
    Buffer.concat((await Array.fromAsync(readLog(directory, options))).map(({ bytes }) => bytes));

  it('gives back every byte, text or not, by stream', async () => {
    using log = openLogWriter(directory);
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    log.write('stdout', every);
    log.write('stderr', Buffer.from('ü\u2028"\\\n'));
    expect(await read()).toEqual(Buffer.concat([every, Buffer.from('ü\u2028"\\\n')]));
    const entries = await Array.fromAsync(readLog(directory));
    expect(entries.map(({ stream }) => stream)).toEqual(['stdout', 'stdout', 'stderr']);
  });

  it('is never larger than its limit, and keeps the newest', async () => {
    using log = openLogWriter(directory, { limit: 4096 });
    for (let line = 0; line < 500; line++) log.write('stdout', Buffer.from(`line ${line}\n`));
    const sizes = await Promise.all(
      (await readdir(directory)).map(async (name) => (await stat(join(directory, name))).size),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(4096);
    const lines = (await read()).toString().trimEnd().split('\n');
    expect(lines.at(-1)).toBe('line 499');
    expect(lines).toEqual(Array.from({ length: lines.length }, (_, at) => `line ${500 - lines.length + at}`));
  });

  it('has tails of whole lines, an unfinished one counted', async () => {
    using log = openLogWriter(directory);
    for (const part of ['a\n', 'b', 'b\n', 'c\n', 'd']) log.write('stdout', Buffer.from(part));
    expect((await read({ tail: 1 })).toString()).toBe('d');
    expect((await read({ tail: 2 })).toString()).toBe('c\nd');
    expect((await read({ tail: 3 })).toString()).toBe('bb\nc\nd');
    expect((await read({ tail: 0 })).toString()).toBe('');
    expect((await read({ tail: 100 })).toString()).toBe('a\nbb\nc\nd');
  });

  it('begins at a time', async () => {
    using log = openLogWriter(directory);
    log.write('stdout', Buffer.from('now\n'));
    expect((await read({ since: Date.now() + 10_000 })).toString()).toBe('');
    expect((await read({ since: Date.now() - 10_000 })).toString()).toBe('now\n');
  });

  it('is followed through its rotation to the end', async () => {
    using log = openLogWriter(directory, { limit: 2000 });
    let line = 0;
    const ended = async (): Promise<boolean> => {
      for (let count = 0; count < 8; count++, line++) log.write('stdout', Buffer.from(`line ${line}\n`));
      return line >= 60;
    };
    const lines = (await read({ follow: { ended } })).toString().trimEnd().split('\n');
    expect(lines).toEqual(Array.from({ length: line }, (_, at) => `line ${at}`));
  });

  it('skips what a crash has torn', async () => {
    using log = openLogWriter(directory);
    log.write('stdout', Buffer.from('whole\n'));
    appendFileSync(join(directory, 'log'), '{"time":"2024-01-01T00:00:00Z","stream":"stdout","te\n');
    log.write('stdout', Buffer.from('after\n'));
    expect((await read()).toString()).toBe('whole\nafter\n');
  });

  it('is empty where there is none', async () => {
    expect((await read()).length).toBe(0);
  });
});
