import { truncateSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { BoxEvent } from '@boxkit/contracts';
import { buildImage, buildLayer, temporaryDirectory, writeOciLayout } from '@boxkit/testkit';
import { createBox } from '../create-box.ts';

const layer = buildLayer([{ path: 'motd', content: 'hello' }]);

it.each([
  ['changed', (path: string) => writeFileSync(path, readFileSync(path).fill(1, 20, 30))],
  ['cut short', (path: string) => truncateSync(path, 20)],
])('a layer that was %s in the store is fetched again while it is unpacked, with a warning', async (how, harm) => {
  await using work = await temporaryDirectory('damaged');
  const layout = join(work.path, 'layout');
  await writeOciLayout(layout, [{ document: buildImage({ layers: [layer] }), name: 'a' }]);
  const events: BoxEvent[] = [];
  await using box = await createBox({ home: join(work.path, 'home'), onEvent: (event) => void events.push(event) });
  const reference = `oci:${layout}:a`;
  await box.pull(reference);
  harm(box.store.blobs.pathOf(layer.descriptor.digest));
  await box.unpack(reference, join(work.path, 'tree'));
  expect(readFileSync(join(work.path, 'tree/motd'), 'utf8')).toBe('hello');
  expect(events.some((event) => event.type === 'warning' && event.code === 'blob-corrupt')).toBe(how === 'changed');
  expect((await box.fsck()).problems).toEqual([]);
});
