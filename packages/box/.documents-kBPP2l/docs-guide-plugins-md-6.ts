import { createBox, definePlugin } from '@boxkit/box';
import type { AppliedImage } from '@boxkit/box';

const timing = definePlugin({
  name: 'timing',
  setup(host) {
    host.onEvent((event) => {
      if (event.type === 'stage-ended') console.log(`${event.stage}: ${event.duration} ms`);
    });
    host.addStage('apply', {
      name: 'tell',
      run: async (applied: AppliedImage) => {
        console.log(`rootfs: ${applied.rootfs.kind}`);
        return applied;
      },
    });
  },
});

await using box = await createBox({ plugins: [timing] });
await using container = await box.run('host:sh,ls', { args: ['ls', '/'], stdout: 'inherit' });
await container.exit;
