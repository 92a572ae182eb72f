import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { systemSnapshot, temporaryDirectory } from '@boxkit/testkit';

/** Starts `sleep` in a container on the host's own files, from a process that can be killed. */
const launcher = `
  const { isolate } = await import('@boxkit/isolator');
  const { launch } = await import('@boxkit/launcher');
  const { grantedIdMap } = await import('@boxkit/linux');
  const [backend, root, home, mark] = process.argv.slice(1);
  const plugin = await import('@boxkit/plugin-' + backend);
  const context = {
    signal: new AbortController().signal, store: { home }, logger: {}, emit() {}, defer() {},
  };
  const mounts = ['usr', 'bin', 'lib', 'lib64'].map((name) => (
    { type: 'bind', source: '/' + name, target: '/' + name, readOnly: true }));
  const applied = {
    image: { imageConfig: { config: {} } }, rootfs: { kind: 'directory', path: root, idMap: grantedIdMap() },
  };
  const args = ['sh', '-c', 'setsid sleep ' + mark + ' & echo ready; exec sleep ' + mark];
  const planned = await isolate({ isolators: [plugin[backend + 'Isolator']()], isolation: backend, args, mounts }).run(applied, context);
  await launch({ stdin: 'ignore' }).run(planned, context);
`;

it.each([
  ['unshare', '913.25'],
  ['bubblewrap', '913.5'],
])('nothing of a container of %s survives the SIGKILL of its launcher', async (backend, mark) => {
  await using place = await temporaryDirectory('sudden');
  const root = join(place.path, 'root');
  await mkdir(root);
  const args = ['--input-type=module', '-e', launcher, backend, root, join(place.path, 'home'), mark];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: import.meta.dirname });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const sleeping = (): number => systemSnapshot(`sleep ${mark} `).processes.length;
  await expect.poll(sleeping).toBeGreaterThan(1);
  child.kill('SIGKILL');
  for (let round = 0; round < 1000 && sleeping() > 0; round++) await delay(20);
  expect(sleeping()).toBe(0);
});
