export { launch, type LaunchOptions } from './launch.ts';
export type { LaunchStdio, StdioChoice } from './stdio.ts';
export * from './supervisor/index.ts';
export { removeCgroups } from './cgroups.ts';
export { endDescendants, processesWithRoot } from './tree.ts';
export * from './exec/index.ts';
