export { createContext, silentLogger } from './context.ts';
export type { Context, ContextOptions } from './context.ts';
export { createEventHub } from './event-hub.ts';
export type { EventHub, EventObserver } from './event-hub.ts';
export type { AnyStage, InputOf, OutputOf } from './fit.ts';
export { composeStages, defineStage, pipeline } from './pipeline.ts';
export { createRegistry } from './registry.ts';
export type { RegisterOptions, Registry } from './registry.ts';
