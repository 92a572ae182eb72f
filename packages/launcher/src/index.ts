export { launch, type LaunchOptions } from './launch.ts';
export { runPlan, startPlan, type RunPlanOptions, type StartedPlan } from './run-plan.ts';
export { rawTerminal } from './raw-terminal.ts';
export { signalFirstProcess } from './signal-first-process.ts';
export type { LaunchStdio, StdioChoice } from './stdio.ts';
export * from './supervisor/index.ts';
export { removeCgroups } from './cgroups.ts';
export { endDescendants, processesOf, type Descendants } from './tree.ts';
export * from './exec/index.ts';
