import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand, requireRoot, temporaryDirectory } from '@boxkit/testkit';
import { expect, test } from 'vitest';
import { isAbandoned, isAlive, ownerOf, pidOf, stagingName, thisProcess } from './owner.ts';

test('this process lives, and is found by its pid', () => {
  expect(isAlive(thisProcess(), Date.now())).toBe(true);
  expect(pidOf(thisProcess())).toBe(process.pid);
  expect(ownerOf(process.pid)).toBe(thisProcess());
});

test('a process that ended, or another that got its pid, does not', async () => {
  const child = spawn('sleep', ['60']);
  const owner = ownerOf(child.pid ?? 0) ?? '';
  expect(isAlive(owner, Date.now())).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isAlive(owner, Date.now())).toBe(false);
  expect(pidOf(owner)).toBeUndefined();
  const [pid, started = '', ...rest] = thisProcess().split('.');
  expect(isAlive([pid, Number(started) - 1, ...rest].join('.'), Date.now())).toBe(false);
});

test('a process of another boot is dead, whoever has its pid now', () => {
  expect(isAlive(thisProcess().replace(/[^.]*$/, '000000000000'), Date.now())).toBe(false);
});

test('a process of another pid namespace is believed for a day', () => {
  const foreign = thisProcess().replace(/\.\d+\.(?=[^.]*$)/, '.1.');
  expect(isAlive(foreign, Date.now() - 1000)).toBe(true);
  expect(isAlive(foreign, Date.now() - 25 * 3600 * 1000)).toBe(false);
});

test('what bears no owner is abandoned, what bears this process is not', async () => {
  await using directory = await temporaryDirectory('owner');
  const mine = join(directory.path, stagingName('some-thing'));
  writeFileSync(mine, '');
  utimesSync(mine, 0, 0);
  writeFileSync(join(directory.path, 'junk'), '');
  expect(isAbandoned(mine)).toBe(false);
  expect(isAbandoned(join(directory.path, 'junk'))).toBe(true);
  expect(isAbandoned(join(directory.path, 'nothing'))).toBe(false);
});

test('in a pid namespace that kept the /proc of the outer one, a process still knows itself', async (context) => {
  requireRoot(context);
  const script = `
    const { isAlive, thisProcess } = await import(${JSON.stringify(new URL('./owner.ts', import.meta.url).href)});
    console.log(process.pid, isAlive(thisProcess(), Date.now()));`;
  const { stdout } = await runCommand('unshare', [
    '--pid',
    '--fork',
    process.execPath,
    '--input-type=module',
    '-e',
    script,
  ]);
  expect(stdout).toBe('1 true\n');
});
