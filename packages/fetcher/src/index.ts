export * from './host/index.ts';
export * from './archive/index.ts';
export * from './oci/index.ts';
export * from './bytes/index.ts';
