export * from './command.ts';
export * from './temporary.ts';
export * from './registry/certificates.ts';
export * from './registry/ports.ts';
export * from './registry/registry.ts';
export type { TokenRequest } from './registry/token-server.ts';
export * from './registry/faults.ts';
export * from './registry/faulty-registry.ts';
export type { RecordedRequest } from './registry/request-log.ts';
