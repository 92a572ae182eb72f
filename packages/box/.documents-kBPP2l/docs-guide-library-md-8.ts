import { createBox } from '@boxkit/box';

await using box = await createBox();
await using container = await box.run('host:sh,cat', {
  args: ['sh', '-c', 'read line; echo "you said: $line, $GREETING"; exit 3'],
  env: { GREETING: 'hello' },
  stdin: 'pipe',
});

container.stdin?.end('box\n');
for await (const chunk of container.stdout ?? []) process.stdout.write(chunk);
const { code } = await container.exit;
console.log(`status ${code}`);
