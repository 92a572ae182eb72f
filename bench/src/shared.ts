import { box, compete, type BenchOptions } from './bench.ts';
import { benchRegistry } from './images.ts';

/**
 * A second image whose base is there already, beside its new layers as an image of their own: to the moment when a
 * container of it could start.
 */
export async function benchShared(options: BenchOptions): Promise<void> {
  await using registry = await benchRegistry(['shared']);
  const run = (name: string): string =>
    `${box} run --rm --quiet ${registry.host}/shared-${name} -- /absent || [ $? = 127 ]`;
  await compete(
    'an image that shares its base',
    [
      { name: 'derived, base present', prepare: run('base'), script: run('derived') },
      { name: 'new layers alone', script: run('new') },
      { name: 'derived, from nothing', script: run('derived') },
    ],
    options,
  );
}
