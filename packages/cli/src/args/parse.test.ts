import { describe, expect, it } from 'vitest';
import type { OperandSpec, OptionSpecs } from './options.ts';
import { parseArguments } from './parse.ts';

const specs = {
  env: { type: 'list', short: 'e', placeholder: 'KEY=VALUE', summary: '' },
  interactive: { type: 'flag', short: 'i', summary: '' },
  tty: { type: 'flag', short: 't', summary: '' },
  workdir: { type: 'value', short: 'w', placeholder: 'DIR', summary: '' },
  pull: { type: 'value', summary: '', choices: ['always', 'missing', 'never'] },
} as const satisfies OptionSpecs;

const some: OperandSpec = { usage: 'REF [DIR]', min: 1, max: 2 };
const command: OperandSpec = { usage: 'REF [ARG...]', min: 1, max: Infinity, endOptions: true };

const parse = (line: string, operands = some) => parseArguments(line.split(' ').filter(Boolean), specs, operands);

describe('parseArguments', () => {
  it('reads every spelling of an option', () => {
    const { values, operands } = parse('-e A=1 --env B=2 --env=C=3 -eD=4 -it --workdir=/x REF');
    expect(values).toEqual({
      env: ['A=1', 'B=2', 'C=3', 'D=4'],
      interactive: true,
      tty: true,
      workdir: '/x',
      pull: undefined,
    });
    expect(operands).toEqual(['REF']);
  });

  it('lets options and operands mix where nothing else is said', () => {
    expect(parse('REF -i DIR').operands).toEqual(['REF', 'DIR']);
    expect(parse('-- -i').operands).toEqual(['-i']);
  });

  it('ends the options at the first operand where they are to end there', () => {
    expect(parse('-i REF ls -l --env', command).operands).toEqual(['REF', 'ls', '-l', '--env']);
    expect(parse('-- REF -- ls', command).operands).toEqual(['REF', '--', 'ls']);
  });

  it('takes true and false for a flag', () => {
    expect(parse('--tty=false --interactive=true REF').values).toMatchObject({ tty: false, interactive: true });
  });

  it('takes a single dash for an operand', () => {
    expect(parse('-').operands).toEqual(['-']);
  });

  it.each([
    ['--interactiv REF', 'unknown option --interactiv; did you mean --interactive?'],
    ['--wrokdir x REF', 'unknown option --wrokdir; did you mean --workdir?'],
    ['--zzzzzzzzz REF', 'unknown option --zzzzzzzzz'],
    ['--constructor REF', 'unknown option --constructor'],
    ['-x REF', 'unknown option -x'],
    ['-ix REF', 'unknown option -x'],
    ['REF -w', 'option -w needs a value (DIR)'],
    ['--tty=maybe REF', 'option --tty takes no value but true and false, not "maybe"'],
    ['-w a -w b REF', 'option --workdir is given twice'],
    ['--pull often REF', 'option --pull is one of always, missing, never, not "often"'],
    ['', 'too few arguments; wanted: REF [DIR]'],
    ['a b c', 'one argument too many: "c"; wanted: REF [DIR]'],
  ])('refuses %j', (line, message) => {
    expect(() => parse(line)).toThrow(expect.objectContaining({ code: 'ERR_BOX_USAGE', message }));
  });
});
