import { apply, createBox, fetch, isolate, readManifest } from '@boxkit/box';

await using box = await createBox();
await using context = box.context();

const fetched = await fetch().run('host:sh,ls', context);
console.log(fetched.descriptor.mediaType);

const image = await readManifest().run(fetched, context);
console.log(image.imageConfig.config?.Cmd, image.layers.length);

const applied = await apply().run(image, context);
const { plan } = await isolate({ args: ['ls'] }).run(applied, context);
console.log(plan.isolator, plan.argv[0]);
