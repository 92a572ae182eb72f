import type { RootfsDriver } from '@boxkit/contracts';

/**
 * A plain directory: each layer extracted by itself, then merged in order by renames. Works on every file system and for every user;
 * a container's tree is its own copy.
 */
export function mergeDriver(): RootfsDriver {
  return {
    name: 'merge',
    async probe() {
      return { available: true, note: 'a plain directory; each container has a tree of its own' };
    },
    async prepare(image, context, options) {
      // Loaded when needed: a start that finds everything in place is not to pay for it.
      const { prepareMerged } = await import('./prepare-merged.ts');
      return prepareMerged(image, context, options);
    },
  };
}
