export * from './compile.ts';
export * from './default-profile.ts';
export * from './parse-profile.ts';
export type * from './profile.ts';
export * from './ready-made.ts';
export type { SeccompCircumstances } from './scope.ts';
export type { SeccompArchitecture } from './system-call-table.ts';
