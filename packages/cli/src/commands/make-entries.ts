import { entry, type CommandEntry } from './entry.ts';

/** The commands that make layers and images, in the order the help shows. */
export const makeEntries: readonly CommandEntry[] = [
  entry(
    'layer',
    'make a layer of a directory, or of what differs between two',
    async () => (await import('./layer.ts')).layer,
  ),
  entry(
    'append',
    'make an image of another and of layers on top of it',
    async () => (await import('./append.ts')).append,
  ),
  entry(
    'config',
    'make an image of another with a changed configuration',
    async () => (await import('./config.ts')).config,
  ),
];
