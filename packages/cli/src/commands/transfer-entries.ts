import { entry, type CommandEntry } from './entry.ts';

/** The commands that bring images from place to place, in the order the help shows. */
export const transferEntries: readonly CommandEntry[] = [
  entry('push', 'write an image of the store to a registry', async () => (await import('./push.ts')).push),
  entry('copy', 'copy an image from any place to any other', async () => (await import('./copy.ts')).copy),
  entry('save', 'write images as one archive', async () => (await import('./save.ts')).save),
  entry('load', 'bring the images of an archive into the store', async () => (await import('./load.ts')).load),
];
