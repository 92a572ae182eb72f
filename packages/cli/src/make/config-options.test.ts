import { expect, it } from 'vitest';
import { parseArguments } from '../args/parse.ts';
import { readInstructions } from './changes.ts';
import { configOptions, readChanges } from './config-options.ts';

function changes(...args: readonly string[]) {
  const { values } = parseArguments(args, configOptions, { usage: '', min: 0, max: 0 });
  return readChanges(values);
}

it.each([
  [['--workdir', 'srv']],
  [['--volume', 'data']],
  [['--stop-signal', 'NOPE']],
  [['--port', '0']],
  [['--env', '=1']],
  [['--cmd', '[1]']],
])('what no container could be started with is refused: %j', (args) => {
  expect(() => changes(...args)).toThrow(expect.objectContaining({ code: 'ERR_BOX_USAGE' }) as Error);
});

it('an empty value takes away, a trailing dash one, a dash all', () => {
  expect(changes('--workdir', '', '--stop-signal', '', '--volume', '/data-', '--env', '-')).toEqual({
    clear: ['env'],
    volumes: { '/data': false },
    workingDir: null,
    stopSignal: null,
  });
});

it.each(['WORKDIR srv', 'VOLUME data', 'STOPSIGNAL NOPE'])('so is a line of a Dockerfile: %s', (line) => {
  expect(() => readInstructions([line])).toThrow(expect.objectContaining({ code: 'ERR_BOX_USAGE' }) as Error);
});
