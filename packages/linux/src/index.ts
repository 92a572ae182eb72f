export * from './libc.ts';
export * from './id-map.ts';
export * from './lock.ts';
export * from './fs-at.ts';
export * from './thread-attributes.ts';
export * from './xattr.ts';
export * from './directory-at.ts';
export * from './stub/index.ts';
