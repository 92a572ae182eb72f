export * from './arguments.ts';
export * from './find-tool.ts';
export * from './guardian.ts';
export * from './udp-obstacle.ts';
