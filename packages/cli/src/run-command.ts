import type { Box } from '@boxkit/box';
import { BoxError } from '@boxkit/contracts';
import type { Command, GlobalValues, Invocation } from './command.ts';
import type { OptionSpecs, OptionValues } from './args/options.ts';
import { createRenderer } from './output/create-renderer.ts';
import type { Renderer } from './output/renderer.ts';
import { terminalOf } from './output/terminal.ts';
import { writeTo } from './output/streams.ts';
import { watchSignals } from './signals.ts';

export interface CommandLine {
  readonly values: OptionValues<OptionSpecs>;
  readonly operands: readonly string[];
  readonly global: GlobalValues;
}

/** Runs a command with a box that is opened when it asks for one, and disposed of however it ends. */
export async function runCommand(command: Command, { values, operands, global }: CommandLine): Promise<number> {
  requireDirectory();
  using signals = watchSignals();
  const renderer = rendererFor(command, global);
  let opened: Promise<Box> | undefined;
  const openBox = (): Promise<Box> => (opened ??= openBoxFor(global, renderer));
  const invocation: Invocation<OptionSpecs> = {
    values,
    operands,
    global,
    renderer,
    signal: signals.signal,
    write: (text) => writeTo('stdout', text),
    openBox,
    takeSignals: (handler) => signals.take(handler),
  };
  try {
    return await command.run(invocation);
  } catch (error) {
    renderer.clear();
    // The abort's reason comes out of whatever was waiting; the shell wants the signal's own status.
    if (signals.exitStatus === undefined) throw error;
    if (!global.quiet)
      writeTo('stderr', `box: ${signals.signal.reason instanceof Error ? signals.signal.reason.message : 'stopped'}\n`);
    return signals.exitStatus;
  } finally {
    await (await opened?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }
}

/** Threads do not start without one, and no relative path means anything. */
function requireDirectory(): void {
  try {
    process.cwd();
  } catch (cause) {
    throw new BoxError('ERR_BOX_USAGE', 'cannot start: the current directory was removed', {
      hint: 'Change to another one with `cd`.',
      cause,
    });
  }
}

async function openBoxFor(global: GlobalValues, renderer: Renderer): Promise<Box> {
  const { openBox } = await import('./open-box.ts');
  return openBox(global, renderer);
}

function rendererFor(command: Command, global: GlobalValues): Renderer {
  const stream = global.json && command.eventsTo !== 'stderr' ? 'stdout' : 'stderr';
  return createRenderer({
    mode: global.json ? 'json' : global.quiet ? 'quiet' : 'human',
    stages: global.verbose,
    terminal: terminalOf(stream, process.env),
    write: (text) => writeTo(stream, text),
  });
}
