import { createBox } from '@boxkit/box';

await using box = await createBox({
  onEvent: (event) => {
    if (event.type === 'warning') console.log(event.message);
  },
});

const watching = (async () => {
  for await (const event of box.events()) {
    if (event.type === 'stage-ended') console.log(`${event.stage} took ${event.duration} ms`);
    if (event.type === 'container-exited') break;
  }
})();

await using container = await box.run('host:sh,id', { args: ['id'], stdout: 'inherit' });
await container.exit;
await watching;
