import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openStore } from '@boxkit/store';
import { readTree, runCommand, temporaryDirectory, writeTar, type TarEntry } from '@boxkit/testkit';
import { removeTree } from '../remove-tree.ts';

const program = fileURLToPath(new URL('./apply-process.fixture.ts', import.meta.url));
/** Killed so often; more by hand. */
const kills = Number(process.env['BOX_KILLS'] ?? 3);

/** Two tars that clash in most of their names, so that the merge has work to do. */
function writeTars(place: string, files: number): string[] {
  return [0, 1].map((layer) => {
    const entries = Array.from({ length: files }, (_none, at): TarEntry => ({
      path: `d${at % 40}/e${at % 7}/f${at}`,
      content: `layer ${layer} file ${at}`,
    }));
    const path = join(place, `layer-${layer}.tar`);
    writeFileSync(
      path,
      writeTar(layer === 0 ? entries : [...entries, { path: 'd1/.wh..wh..opq' }, { path: '.wh.d2' }]),
    );
    return path;
  });
}

test.each(['merge', 'overlay'])(
  'killed at any instant, %s leaves nothing that a next start does not clear',
  { timeout: 240_000 },
  async (driver) => {
    await using place = await temporaryDirectory('kill');
    const tars = writeTars(place.path, 2000);
    const home = join(place.path, 'home');
    const directory = join(place.path, 'out');
    const args = [program, home, driver, driver === 'merge' ? directory : '-', 'gzip', ...tars];
    for (let turn = 0; turn < kills; turn += 1) {
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = new Promise((resolve) => child.once('close', resolve));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      await sleep(Math.random() * 600);
      child.kill('SIGKILL');
      await ended;
      // Either all of it or none.
      expect([undefined, 0, 39]).toContain(existsSync(directory) ? readdirSync(directory).length : undefined);
      await removeTree(directory);
    }
    const { stdout } = await runCommand(process.execPath, args);
    expect(stdout).toContain('done');
    const unpacked = driver === 'merge' ? [...(await readTree(directory)).values()] : [];
    expect(unpacked.filter(({ type }) => type === 'file')).toHaveLength(driver === 'merge' ? 2000 : 0);
    await using store = await openStore({ home, removeTree });
    await store.prune();
    expect(readdirSync(join(home, 'tmp')).filter((name) => name !== 'partial')).toEqual([]);
  },
);

test.each([
  ['merge', 'gzip'],
  ['overlay', 'zstd'],
])('a file system that fills up is an error, and %s leaves it empty (%s)', async (driver, compression) => {
  await using place = await temporaryDirectory('full');
  const tar = join(place.path, 'layer.tar');
  writeFileSync(
    tar,
    writeTar([
      { path: 'zeros', content: Buffer.alloc(30 * 2 ** 20) },
      { path: 'more', content: 'x' },
    ]),
  );
  const small = join(place.path, 'small');
  mkdirSync(small);
  const script = `mount -t tmpfs -o size=8m tmpfs "$1"; shift; "$@"; cd '${small}/home'; find layers rootfs containers tmp -mindepth 1 | grep -v -e sha256 -e sha512 -e partial`;
  const { stdout } = await runCommand('unshare', [
    '--mount',
    'sh',
    '-c',
    `${script}; true`,
    'sh',
    small,
    process.execPath,
    program,
    join(small, 'home'),
    driver,
    '-',
    compression,
    tar,
  ]);
  const [started, outcome, ...left] = stdout.trim().split('\n');
  expect([started, outcome?.split(' ')[0], left]).toEqual(['started', 'ERR_BOX_STORE_FULL', []]);
});
