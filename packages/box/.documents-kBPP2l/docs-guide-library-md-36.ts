import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { apply, BoxError, createBox, defineStage, fetch, isBoxError, isolate, launch, pipeline, readManifest } from '@boxkit/box';
import type { AppliedImage } from '@boxkit/box';

async function countSetuid(directory: string): Promise<number> {
  let count = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const { mode } = await lstat(join(entry.parentPath, entry.name));
    if ((mode & 0o4000) !== 0) count += 1;
  }
  return count;
}

const refuseSetuid = defineStage('refuse-setuid', async (applied: AppliedImage) => {
  const { rootfs, image } = applied;
  const trees = rootfs.kind === 'overlay' ? rootfs.lower : [rootfs.path];
  const counts = await Promise.all(trees.map(countSetuid));
  const count = counts.reduce((sum, one) => sum + one, 0);
  console.log(`${image.reference.text}: ${count} setuid files`);
  if (count > 0) throw new BoxError('ERR_BOX_NOT_ENFORCEABLE', `${image.reference.text} has ${count} setuid files`);
  return applied;
});

const run = pipeline(
  fetch(),
  readManifest(),
  apply(),
  refuseSetuid,
  isolate({ args: ['ls', '/bin'] }),
  launch({ stdout: 'inherit' }),
);

await using box = await createBox();
await using context = box.context();
try {
  await using container = await run.run('host:sh,ls', context);
  console.log(await container.exit);
} catch (error) {
  if (!isBoxError(error, 'ERR_BOX_NOT_ENFORCEABLE')) throw error;
  console.log(`refused: ${error.message}`);
}
