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
  entry(
    'squash',
    'make an image of another, with its upper layers as one',
    async () => (await import('./squash.ts')).squash,
  ),
  entry(
    'flatten',
    'make an image of another, with all its layers as one',
    async () => (await import('./flatten.ts')).flatten,
  ),
  entry(
    'commit',
    'make an image of a container, with what it changed as a layer',
    async () => (await import('./commit.ts')).commit,
  ),
  entry('export', "write a container's files as a tar", async () => (await import('./export.ts')).exportCommand),
  entry(
    'import',
    'make an image of a tar of a root file system',
    async () => (await import('./import.ts')).importCommand,
  ),
];
