import type { RunningContainer, RunOptions } from '@boxkit/contracts';
import type { Cancellable, UnpackOptions } from '../../options.ts';
import type { Machine } from '../machine.ts';
import type { JsonDocument } from './encode.ts';
import type { ApplyDocumentOptions, LaunchDocumentOptions } from './options.ts';

export type { JsonDocument } from './encode.ts';
export type { ApplyDocumentOptions, LaunchDocumentOptions } from './options.ts';

/**
 * The five stages one by one, on JSON: each takes what the former gave, as docs/reference/schemas describes it, and
 * throws ERR_BOX_DOCUMENT_INVALID, naming the field, for anything else. A document may be given as the bytes of
 * its JSON. The blobs stay in the store.
 */
export interface Plumbing {
  /** Resolves a reference, and brings all that it needs for the platform into the store under its name. */
  fetch(reference: string, options?: UnpackOptions): Promise<JsonDocument>;
  manifest(fetched: unknown, options?: Pick<UnpackOptions, 'platform' | 'signal'>): Promise<JsonDocument>;
  /** Without a directory, the rootfs belongs to a container that stays until `launch` with `remove`, or its removal. */
  apply(image: unknown, options?: ApplyDocumentOptions): Promise<JsonDocument>;
  isolate(applied: unknown, options?: RunOptions & Cancellable): Promise<JsonDocument>;
  launch(planned: unknown, options?: LaunchDocumentOptions): Promise<RunningContainer>;
}

/** Schemas, and the validator behind them, are loaded when one of these is called, and not before. */
export function createPlumbing(machine: Machine, running: Set<RunningContainer>): Plumbing {
  const stages = () => import('./stages.ts');
  return {
    fetch: async (reference, options = {}) => (await stages()).fetchDocument(reference, options, machine),
    manifest: async (fetched, options = {}) => (await stages()).manifestDocument(fetched, options, machine),
    apply: async (image, options = {}) => (await stages()).applyDocument(image, options, machine),
    isolate: async (applied, options = {}) => (await stages()).isolateDocument(applied, options, machine),
    launch: async (planned, options = {}) =>
      (await import('./launch.ts')).launchDocument(planned, options, machine, running),
  };
}
