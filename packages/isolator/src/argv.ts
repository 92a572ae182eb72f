import { BoxError, type ProcessConfig, type RunOptions } from '@boxkit/contracts';

/**
 * Entrypoint + Cmd; the caller's arguments replace Cmd, the caller's entrypoint replaces Entrypoint and drops Cmd.
 * Throws ERR_BOX_COMMAND_EMPTY when nothing is left, ERR_BOX_USAGE for a NUL byte.
 */
export function buildArgv(config: ProcessConfig, { args, entrypoint }: RunOptions): readonly [string, ...string[]] {
  const head = entrypoint ?? config.Entrypoint ?? [];
  const tail = args ?? (entrypoint === undefined ? (config.Cmd ?? []) : []);
  const [command, ...rest] = [...head, ...tail];
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
