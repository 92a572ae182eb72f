import type { EffectiveConfig, ProcessConfig, RunOptions } from '@boxkit/contracts';
import { mergeCommand } from './argv.ts';
import { mergeEnv } from './env.ts';

/** An image's config with the caller's options, without what box adds for every process. OCI image-spec, config.md. */
export function effectiveConfig(config: ProcessConfig, options: RunOptions): EffectiveConfig {
  return {
    ...mergeCommand(config, options),
    Env: [...mergeEnv(config.Env ?? [], options.env ?? {})].map(([key, value]) => `${key}=${value}`),
    User: options.user ?? config.User ?? '',
    WorkingDir: options.workdir ?? config.WorkingDir ?? '',
    StopSignal: options.stopSignal ?? config.StopSignal ?? '',
  };
}
