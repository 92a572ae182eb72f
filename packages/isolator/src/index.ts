export { isolate, type IsolateOptions } from './isolate.ts';
export { capabilityTable } from './capability-table.ts';
export { stopSignal } from './stop-signal.ts';
export * from './seccomp/index.ts';
export { resolveUser } from './user.ts';
