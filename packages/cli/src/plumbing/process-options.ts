import { parseArguments } from '../args/parse.ts';
import type { OptionValues } from '../args/options.ts';
import { runOptions } from '../run/options.ts';
import { readRunOptions } from '../run/read-options.ts';
import type { RunValues } from '../run/read-options.ts';

/** Those options of `box run` that say what a container is like; the others belong to other stages. */
const names = [
  'env',
  'env-file',
  'workdir',
  'user',
  'entrypoint',
  'hostname',
  'tty',
  'volume',
  'mount',
  'tmpfs',
  'device',
  'read-only',
  'network',
  'publish',
  'add-host',
  'dns',
  'cap-add',
  'cap-drop',
  'security-opt',
  'no-new-privileges',
  'memory',
  'cpus',
  'pids-limit',
  'ulimit',
  'shm-size',
  'init',
  'stop-signal',
  'stop-timeout',
] as const;

type ProcessOptionSpecs = Pick<typeof runOptions, (typeof names)[number]>;

export const processOptions = Object.fromEntries(names.map((name) => [name, runOptions[name]])) as ProcessOptionSpecs;

/** What a command line asks of a container's process. */
export async function readProcessOptions(
  values: OptionValues<ProcessOptionSpecs>,
  isolation: string | undefined,
  args: readonly string[],
) {
  const unset: RunValues = parseArguments([], runOptions, { usage: '', min: 0, max: 0 }).values;
  const options = await readRunOptions({ ...unset, ...values, isolation }, args);
  const { remove: _remove, ...others } = options;
  return others;
}
