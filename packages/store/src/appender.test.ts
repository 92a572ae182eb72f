import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@boxkit/testkit';
import { assert, array, asyncProperty, boolean, integer, record } from 'fast-check';
import { expect, test } from 'vitest';
import { createAppender } from './appender.ts';
import { pseudoRandomBytes } from './testing/pseudo-random.ts';

test('whatever the sizes and the waits, the file has the bytes in their order, each as soon as its promise is kept', async () => {
  await using directory = await temporaryDirectory('appender');
  const path = join(directory.path, 'file');
  const step = record({ size: integer({ min: 1, max: 5000 }), wait: boolean() });
  const steps = array(step, { minLength: 1, maxLength: 60 });
  await assert(
    asyncProperty(steps, async (chosen) => {
      const fd = openSync(path, 'w+');
      const appender = createAppender(fd, 0, (error) => error);
      const all: Buffer[] = [];
      for (const [seed, { size, wait }] of chosen.entries()) {
        const chunk = pseudoRandomBytes(seed, size);
        all.push(chunk);
        const appended = appender.append(chunk);
        if (!wait) continue;
        await appended;
        expect(readFileSync(path).equals(Buffer.concat(all))).toBe(true);
      }
      await appender.sync();
      expect(readFileSync(path).equals(Buffer.concat(all))).toBe(true);
      closeSync(fd);
    }),
    { numRuns: 60 },
  );
});

test('more chunks than one writev takes go out all the same', async () => {
  await using directory = await temporaryDirectory('appender');
  const path = join(directory.path, 'file');
  const fd = openSync(path, 'w');
  const appender = createAppender(fd, 0, (error) => error);
  await Promise.all(Array.from({ length: 3000 }, (_, i) => appender.append(Buffer.from([i & 255, i >> 8]))));
  const bytes = readFileSync(path);
  expect(Array.from({ length: 3000 }, (_, i) => bytes.readUInt16LE(i * 2))).toEqual([...Array(3000).keys()]);
  closeSync(fd);
});

test('a failure is the failure of all appends under way, and of those that come later', async () => {
  const fd = openSync('/dev/full', 'w');
  const appender = createAppender(fd, 0, (error) => new Error(`explained: ${(error as Error).message}`));
  const appends = Array.from({ length: 4 }, () => appender.append(Buffer.from('x')));
  for (const append of appends) await expect(append).rejects.toThrow(/explained: ENOSPC/);
  await expect(appender.append(Buffer.from('x'))).rejects.toThrow(/explained: ENOSPC/);
  await expect(appender.sync()).rejects.toThrow(/explained: ENOSPC/);
  await appender.idle();
  closeSync(fd);
});
