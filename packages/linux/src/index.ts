export * from './libc.ts';
export * from './id-map.ts';
