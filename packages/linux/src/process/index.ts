export * from './spawn-process.ts';
export * from './process-end.ts';
