import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@boxkit/testkit';
import { expect, test } from 'vitest';
import { lockFile, tryLockFile } from './lock.ts';

test('a lock excludes others in the same process, and is free again when released', async () => {
  await using directory = await temporaryDirectory('lock');
  const path = join(directory.path, 'lock');
  const lock = await lockFile(path);
  expect(tryLockFile(path)).toBeUndefined();
  expect(tryLockFile(path, { shared: true })).toBeUndefined();
  lock.release();
  lock.release();
  tryLockFile(path)?.release({ remove: true });
  expect(existsSync(path)).toBe(false);
});

test('shared holders share, and keep an exclusive one out', async () => {
  await using directory = await temporaryDirectory('lock');
  const path = join(directory.path, 'lock');
  const first = await lockFile(path, { shared: true });
  const second = await lockFile(path, { shared: true });
  first.release();
  expect(tryLockFile(path)).toBeUndefined();
  second.release();
  tryLockFile(path)?.release();
});

test('who waits is told once, and gets the lock when it is free', async () => {
  await using directory = await temporaryDirectory('lock');
  const path = join(directory.path, 'lock');
  const lock = await lockFile(path);
  let told = 0;
  const second = lockFile(path, { onWait: () => (told += 1) });
  setTimeout(() => lock.release(), 30);
  (await second).release();
  expect(told).toBe(1);
});

test('the wait ends with the reason of the signal', async () => {
  await using directory = await temporaryDirectory('lock');
  const path = join(directory.path, 'lock');
  const lock = await lockFile(path);
  const reason = new Error('enough');
  const controller = new AbortController();
  const second = lockFile(path, { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 10);
  await expect(second).rejects.toBe(reason);
  lock.release();
});

test('a lock on a file that was renamed or removed meanwhile is no lock on what stands there now', async () => {
  await using directory = await temporaryDirectory('lock');
  const path = join(directory.path, 'lock');
  const first = await lockFile(path);
  const second = lockFile(path);
  await new Promise((resolve) => setTimeout(resolve, 5));
  renameSync(path, `${path}.done`);
  writeFileSync(path, 'new');
  first.release();
  const lock = await second;
  expect(tryLockFile(path)).toBeUndefined();
  rmSync(path);
  const third = tryLockFile(path);
  expect(third).toBeDefined();
  third?.release();
  lock.release();
});

test('a symbolic link is not followed', async () => {
  await using directory = await temporaryDirectory('lock');
  const { symlinkSync } = await import('node:fs');
  symlinkSync('/etc/passwd', join(directory.path, 'lock'));
  await expect(lockFile(join(directory.path, 'lock'))).rejects.toThrow('ELOOP');
});

test('a lock dies with its holder, killed', async () => {
  await using directory = await temporaryDirectory('lock');
  const path = join(directory.path, 'lock');
  const script = `import { lockFile } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)};
    await lockFile(${JSON.stringify(path)}); process.stdout.write('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  expect(tryLockFile(path)).toBeUndefined();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = tryLockFile(path);
  expect(lock).toBeDefined();
  lock?.release();
});
