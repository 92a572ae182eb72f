import type {
  AppliedImage,
  BoxEvent,
  FetchedImage,
  Image,
  Platform,
  Reference,
  Stage,
  StageContext,
} from '@boxkit/contracts';
import type { Context } from '@boxkit/core';
import type { DiskStore } from '@boxkit/store';
import type { LazyRegistry } from '../built-in.ts';
import type { BoxConfig } from '../config.ts';
import type { Cancellable } from '../options.ts';
import type { Stages } from '../stages.ts';

/** What the operations of one box share. */
export interface Machine {
  readonly store: DiskStore;
  readonly plugins: LazyRegistry;
  readonly stages: Stages;
  readonly config: BoxConfig;
  /** The modules that the plugins come from, for another process to load; undefined when that is not known. */
  readonly pluginModules: readonly string[] | undefined;
  /** Tells the observers of the box. */
  emit(event: BoxEvent): void;
  context(options: Cancellable, store: DiskStore): Context;
}

/** A machine for one operation: what it relies on in the store is kept from `prune` until it is disposed of. */
export interface Scope extends Omit<Machine, 'context'>, AsyncDisposable {
  readonly context: Context;
}

export function openScope(machine: Machine, options: Cancellable): Scope {
  const store = machine.store.scope();
  const context = machine.context(options, store);
  return {
    ...machine,
    store,
    context,
    async [Symbol.asyncDispose]() {
      try {
        await context[Symbol.asyncDispose]();
      } finally {
        await store[Symbol.asyncDispose]();
      }
    },
  };
}

/** Makes a scope live as long as what came of it, or end at once when nothing did. */
export async function disposeWith<Result extends AsyncDisposable>(
  scope: Scope,
  make: () => Promise<Result>,
): Promise<Result> {
  try {
    const result = await make();
    const disposeResult = result[Symbol.asyncDispose].bind(result);
    const dispose = async (): Promise<void> => {
      try {
        await disposeResult();
      } finally {
        await scope[Symbol.asyncDispose]();
      }
    };
    return Object.defineProperty(result, Symbol.asyncDispose, { configurable: true, value: dispose });
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

/** Any stage, in a row whose fit was checked by hand or cannot be. */
export type Row = Stage<never, unknown>[];

export type FetchStage = Stage<string | Reference, FetchedImage>;
export type ApplyStage = Stage<Image, AppliedImage>;
export type Deferred = Parameters<StageContext['defer']>[0];

/** `linux/arm64` or a platform in parts, as parts. Throws ERR_BOX_PLATFORM_INVALID. */
export async function platformOption(
  platform: Platform | string | undefined,
): Promise<{ readonly platform?: Platform }> {
  if (platform === undefined) return {};
  if (typeof platform !== 'string') return { platform };
  const { parsePlatform } = await import('@boxkit/manifest');
  return { platform: parsePlatform(platform) };
}
