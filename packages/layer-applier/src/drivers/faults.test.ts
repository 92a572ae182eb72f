import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runCommand, temporaryDirectory, writeTar } from '@boxkit/testkit';

const program = fileURLToPath(new URL('./apply-process.fixture.ts', import.meta.url));

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
