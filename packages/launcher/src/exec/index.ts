export { type ExecRequest, planExec } from './plan-exec.ts';
