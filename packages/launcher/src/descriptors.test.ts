import { fstatSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stubExecutable } from '@boxkit/linux';
import { temporaryDirectory } from '@boxkit/testkit';
import { expect, it } from 'vitest';
import { openDescriptors, stubMachine } from './descriptors.ts';

it('each container is started by a stub of its own, which has no name', async () => {
  await using home = await temporaryDirectory('descriptors');
  await mkdir(join(home.path, 'tmp'));
  const plan = { descriptors: [{ fd: 3, purpose: 'the exec stub', kind: 'stub' as const }] };
  using first = openDescriptors(plan, home.path);
  using second = openDescriptors(plan, home.path);
  const [one, other] = [Number(first.fds[0]), Number(second.fds[0])];
  expect(fstatSync(one).nlink).toBe(0);
  expect(fstatSync(one).ino).not.toBe(fstatSync(other).ino);
  writeFileSync(`/proc/self/fd/${one}`, 'written by who came by it inside');
  expect(readFileSync(other).equals(stubExecutable(stubMachine()))).toBe(true);
});
