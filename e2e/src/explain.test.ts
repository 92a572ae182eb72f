import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { differences, readTree, temporaryDirectory, tryCommand } from '@boxkit/testkit';
import type { Skippable } from '@boxkit/testkit';
import { expect, test } from 'vitest';
import { expectSuccess, registryHost, runBox } from './support/box.ts';

test('the script that explains a Debian makes the tree that box unpacks, and says what box run says', async (context) => {
  await expectSameByHand(context, 'store');
});

test('so does the script that downloads it from its registry', async (context) => {
  await expectSameByHand(context, 'registry');
});

async function expectSameByHand(context: Skippable, from: 'store' | 'registry'): Promise<void> {
  const host = registryHost(context);
  await using work = await temporaryDirectory('explain');
  const image = `${host}/debian:bookworm`;
  const command = ['/bin/sh', '-c', 'cat /etc/os-release; id; ls /'];
  const script = await runBox(work.path, ['explain', '--script', '--from', from, image, '--', ...command]);
  expectSuccess(script);
  await writeFile(join(work.path, 'by-hand.sh'), script.stdout);
  const byHand = await tryCommand('sh', ['by-hand.sh', 'by-hand'], { cwd: work.path, timeout: 120_000 });
  expectSuccess(byHand);
  const run = await runBox(work.path, ['run', '--rm', '--quiet', image, '--', ...command]);
  expectSuccess(run);
  expect(byHand.stdout).toBe(run.stdout);
  expectSuccess(await tryCommand('sh', ['by-hand.sh', 'tree', 'unpack'], { cwd: work.path, timeout: 120_000 }));
  expectSuccess(await runBox(work.path, ['unpack', '--quiet', image, join(work.path, 'unpacked')]));
  const [one, other] = [await readTree(join(work.path, 'tree')), await readTree(join(work.path, 'unpacked'))];
  expect(one.size).toBeGreaterThan(1000);
  expect(differences(one, other)).toEqual([]);
}
