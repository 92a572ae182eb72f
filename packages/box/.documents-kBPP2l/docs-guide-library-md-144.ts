import { createBox } from '@boxkit/box';

await using box = await createBox();
const controller = new AbortController();
await using container = await box.run('host:sh,sleep', { args: ['sleep', '1000'], signal: controller.signal });

controller.abort();
const { signal } = await container.exit;
console.log(`ended by ${signal}`);
