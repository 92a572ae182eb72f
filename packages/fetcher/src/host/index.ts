export { hostPlugin } from './plugin.ts';
export { hostSource } from './source.ts';
export { HostProgramError, type HostProblem } from './errors.ts';
