import { apply, createBox, defineStage, fetch, isolate, launch, pipeline, readManifest } from '@boxkit/box';
import type { AppliedImage } from '@boxkit/box';

const tell = defineStage('tell', (applied: AppliedImage) => {
  console.log(`${applied.image.layers.length} layers, as a ${applied.rootfs.kind} rootfs`);
  return applied;
});

const containerOf = pipeline(fetch(), readManifest(), apply(), tell, isolate({ args: ['ls', '/'] }), launch());

await using box = await createBox();
await using context = box.context();
await using container = await containerOf.run('host:sh,ls', context);
console.log(await container.exit);
