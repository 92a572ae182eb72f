import { box, compete, type BenchOptions } from './bench.ts';
import { benchRegistry } from './images.ts';

/** One layer of so many empty files: whether the time grows as their number does. */
export async function benchLinear(options: BenchOptions): Promise<void> {
  const counts = ['62500', '125000', '250000', '500000', '1000000'];
  const names = (options.images ?? counts).map((count) => `files-${count}`);
  await using registry = await benchRegistry(names);
  const contestants = names.map((name) => ({
    name,
    script: `${box} unpack --quiet ${registry.host}/${name} rootfs`,
  }));
  await compete('time by number of entries', contestants, options);
}
