export * from './command.ts';
export * from './temporary.ts';
export * from './registry/certificates.ts';
export * from './registry/ports.ts';
export * from './registry/registry.ts';
export type { TokenRequest } from './registry/token-server.ts';
