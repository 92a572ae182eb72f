export { launch, type LaunchOptions } from './launch.ts';
export type { LaunchStdio, StdioChoice } from './stdio.ts';
