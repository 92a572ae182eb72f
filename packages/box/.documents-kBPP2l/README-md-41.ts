import { createBox } from '@boxkit/box';

await using box = await createBox();
await using container = await box.run('host:sh,ls', { args: ['ls', '/'] });

for await (const chunk of container.stdout ?? []) process.stdout.write(chunk);
const { code } = await container.exit;
console.log(`ended with status ${code}`);
