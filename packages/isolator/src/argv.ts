import { BoxError, type EffectiveConfig, type ProcessConfig, type RunOptions } from '@boxkit/contracts';

/**
 * Entrypoint + Cmd; the caller's arguments replace Cmd, the caller's entrypoint replaces Entrypoint and drops Cmd.
 * Throws ERR_BOX_COMMAND_EMPTY when nothing is left, ERR_BOX_USAGE for a NUL byte.
 */
export function buildArgv(config: ProcessConfig, options: RunOptions): readonly [string, ...string[]] {
  const { Entrypoint, Cmd } = mergeCommand(config, options);
  const [command, ...rest] = [...Entrypoint, ...Cmd];
  if (command === undefined) {
    throw new BoxError('ERR_BOX_COMMAND_EMPTY', 'cannot run the image: it names neither an entrypoint nor a command', {
      hint: 'Say what to run after the reference.',
    });
  }
  if ([command, ...rest].some((text) => text.includes('\0'))) {
    throw new BoxError('ERR_BOX_USAGE', 'cannot run the command: an argument holds a NUL byte');
  }
  return [command, ...rest];
}

/** The two parts of a command, the caller's before the image's. */
export function mergeCommand(
  config: ProcessConfig,
  { args, entrypoint }: RunOptions,
): Pick<EffectiveConfig, 'Entrypoint' | 'Cmd'> {
  return {
    Entrypoint: entrypoint ?? config.Entrypoint ?? [],
    Cmd: args ?? (entrypoint === undefined ? (config.Cmd ?? []) : []),
  };
}
