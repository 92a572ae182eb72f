import { defineCommand } from '../command.ts';
import { configOptions, readChanges } from '../make/config-options.ts';
import { makeOptions, printMade, readMakeOptions } from '../make/options.ts';
import { parseTime } from '../run/values.ts';

export const config = defineCommand({
  name: 'config',
  summary: 'make an image of another with a changed configuration',
  description: `The layers stay as they are; the history gets a step without a layer. COMMAND is a JSON list of words, or a line for
/bin/sh -c, as in a Dockerfile. A new entrypoint takes the old command away unless --cmd gives one. Prints the digest of
the new manifest.`,
  options: { ...makeOptions, ...configOptions },
  operands: { usage: 'REF', min: 1, max: 1 },
  examples: [
    { line: 'box config debian --env LANG=C.UTF-8 --env DEBUG- --tag debian-utf8', what: 'set one, remove one' },
    {
      line: `box config app --entrypoint '["/app"]' --cmd '["--help"]' --user 1000 --tag app:2`,
      what: 'what runs, and as whom',
    },
    { line: 'box config app --label - --label version=2 --tag app:2', what: 'these labels and no others' },
  ],
  async run(invocation) {
    const { values, operands, openBox } = invocation;
    const [reference = ''] = operands;
    const changes = readChanges(values);
    const options = readMakeOptions(invocation);
    const created =
      values.created === undefined ? undefined : new Date(parseTime('--created', values.created, Date.now()));
    const box = await openBox();
    const made = await box.configure(reference, changes, {
      ...options,
      createdBy: describe(values),
      ...(created !== undefined && { created }),
    });
    printMade(made, invocation);
    return 0;
  },
});

/** The command as the history keeps it: the options that make a difference to the image. */
function describe(values: Readonly<Record<string, unknown>>): string {
  const words = Object.keys(configOptions).flatMap((name) => {
    const value = values[name];
    return [value].flat().flatMap((one) => (typeof one === 'string' ? [`--${name}`, quoted(one)] : []));
  });
  return ['box config', ...words].join(' ');
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
