import type { ConfigChanges, Healthcheck, MapChanges, SetChanges } from '@boxkit/box';
import type { OptionSpecs, OptionValues } from '../args/options.ts';
import { parseDuration, parseNumber, parseSignal, wrong } from '../run/values.ts';

/** The names are docker's and buildah's; `KEY-` takes one away and `-` all, as buildah has it. */
export const configOptions = {
  env: { type: 'list', short: 'e', placeholder: 'KEY=VALUE', summary: 'set a variable; KEY- removes it, - all' },
  cmd: { type: 'value', placeholder: 'COMMAND', summary: "the command: a JSON list, or a shell's line; '' for none" },
  entrypoint: {
    type: 'value',
    placeholder: 'COMMAND',
    summary: 'what runs the command, written likewise; takes the old command away',
  },
  user: { type: 'value', short: 'u', placeholder: 'USER[:GROUP]', summary: "who runs it; '' for root" },
  workdir: { type: 'value', short: 'w', placeholder: 'DIR', summary: "where it runs; '' for /" },
  label: { type: 'list', short: 'l', placeholder: 'KEY=VALUE', summary: 'set a label; KEY- removes it, - all' },
  annotation: {
    type: 'list',
    short: 'a',
    placeholder: 'KEY=VALUE',
    summary: "set an annotation of the manifest (Docker's format becomes OCI's); KEY- removes it, - all",
  },
  port: {
    type: 'list',
    short: 'p',
    placeholder: 'PORT[/tcp]',
    summary: 'a port that it listens at; PORT- removes it, - all',
  },
  expose: { type: 'list', placeholder: 'PORT[/tcp]', summary: "the same, by docker's name" },
  volume: {
    type: 'list',
    short: 'v',
    placeholder: 'DIR',
    summary: 'a directory that is a volume; DIR- removes it, - all',
  },
  'stop-signal': { type: 'value', placeholder: 'SIGNAL', summary: "how it is asked to end; '' for SIGTERM" },
  healthcheck: {
    type: 'value',
    placeholder: 'COMMAND',
    summary: "how to see that it is well: a JSON list, a shell's line, NONE; '' for the base's removed",
  },
  'healthcheck-interval': { type: 'value', placeholder: 'TIME', summary: 'between two checks, such as 30s' },
  'healthcheck-timeout': { type: 'value', placeholder: 'TIME', summary: 'how long one may take' },
  'healthcheck-start-period': { type: 'value', placeholder: 'TIME', summary: 'how long failures do not count' },
  'healthcheck-retries': { type: 'value', placeholder: 'N', summary: 'failures that make it unhealthy' },
  author: { type: 'value', placeholder: 'TEXT', summary: "who made it; '' for nobody" },
  created: { type: 'value', placeholder: 'TIME', summary: 'when it was made (default: SOURCE_DATE_EPOCH, else now)' },
} as const satisfies OptionSpecs;

type ConfigValues = OptionValues<typeof configOptions>;

/** Reads what to change. Throws ERR_BOX_USAGE. */
export function readChanges(values: ConfigValues, shell: readonly string[] = ['/bin/sh', '-c']): ConfigChanges {
  const env = pairs('--env', values.env);
  const labels = pairs('--label', values.label);
  const annotations = pairs('--annotation', values.annotation);
  const ports = names('--port', [...values.port, ...values.expose].map(withProtocol));
  const volumes = names('--volume', values.volume);
  for (const path of Object.keys(volumes.changes)) absolute('--volume', path);
  const clear = Object.entries({ env, labels, annotations, ports, volumes }).flatMap(([name, { all }]) =>
    all ? [name as NonNullable<ConfigChanges['clear']>[number]] : [],
  );
  return {
    ...(clear.length > 0 && { clear }),
    ...changesOf('env', env),
    ...changesOf('labels', labels),
    ...changesOf('annotations', annotations),
    ...changesOf('ports', ports),
    ...changesOf('volumes', volumes),
    ...(values.entrypoint !== undefined && { entrypoint: command('--entrypoint', values.entrypoint, shell) }),
    ...(values.cmd !== undefined && { cmd: command('--cmd', values.cmd, shell) }),
    ...text('user', values.user),
    ...text('workingDir', absolute('--workdir', values.workdir)),
    ...text('stopSignal', signal(values['stop-signal'])),
    ...text('author', values.author),
    ...healthcheck(values),
  };
}

/** A JSON list as it is, else a line for a shell; null for none. */
function command(option: string, text: string, shell: readonly string[]): readonly string[] | null {
  if (text.trim() === '') return null;
  if (!text.trimStart().startsWith('[')) return [...shell, text];
  const list = parseList(option, text);
  return list.length === 0 ? null : list;
}

function parseList(option: string, text: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (Array.isArray(value) && value.every((word) => typeof word === 'string')) return value;
  throw wrong(option, text, 'a JSON list of words, such as ["sh", "-c", "date"]');
}

interface Read<Changes> {
  readonly all: boolean;
  readonly changes: Changes;
}

function pairs(option: string, given: readonly string[]): Read<MapChanges> {
  const changes = new Map<string, string | null>();
  for (const pair of given) {
    if (pair === '-') continue;
    const [, removed] = /^([^=]+)-$/.exec(pair) ?? [];
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    if (removed !== undefined) changes.set(removed, null);
    else if (key !== undefined && value !== undefined && !pair.includes('\0')) changes.set(key, value);
    else throw wrong(option, pair, 'KEY=VALUE, KEY- or -');
  }
  return { all: given.includes('-'), changes: Object.fromEntries(changes) };
}

function names(option: string, given: readonly string[]): Read<SetChanges> {
  const changes = new Map<string, boolean>();
  for (const name of given) {
    if (name === '-') continue;
    if (name === '') throw wrong(option, name, 'a name');
    if (name.endsWith('-')) changes.set(name.slice(0, -1), false);
    else changes.set(name, true);
  }
  return { all: given.includes('-'), changes: Object.fromEntries(changes) };
}

/** `80` is `80/tcp`; `8000-8010/udp` is a range. */
function withProtocol(port: string): string {
  if (port === '-') return port;
  const [, numbers, protocol = 'tcp', remove = ''] = /^(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?(-?)$/.exec(port) ?? [];
  if (numbers === undefined || numbers.split('-').some((number) => Number(number) > 65_535 || Number(number) === 0)) {
    throw wrong('--port', port, 'a port, such as 80, 53/udp or 8000-8010');
  }
  return `${numbers}/${protocol}${remove}`;
}

function changesOf<Name extends string, Changes extends object>(
  name: Name,
  { changes }: Read<Changes>,
): Partial<Record<Name, Changes>> {
  return Object.keys(changes).length === 0 ? {} : ({ [name]: changes } as Record<Name, Changes>);
}

/** A path of an image: what it would be relative to, nobody could tell. */
function absolute(option: string, path: string | undefined): string | undefined {
  if (path === undefined || path === '' || path.startsWith('/')) return path;
  throw wrong(option, path, 'a path from the root of the image, such as /srv');
}

function signal(name: string | undefined): string | undefined {
  if (name !== undefined && name !== '') parseSignal('--stop-signal', name);
  return name;
}

function text<Name extends string>(name: Name, value: string | undefined): Partial<Record<Name, string | null>> {
  return value === undefined ? {} : ({ [name]: value === '' ? null : value } as Record<Name, string | null>);
}

function healthcheck(values: ConfigValues): { readonly healthcheck?: Healthcheck | null } {
  const line = values.healthcheck;
  const time = (name: 'interval' | 'timeout' | 'start-period'): number | undefined => {
    const given = values[`healthcheck-${name}`];
    return given === undefined ? undefined : parseDuration(`--healthcheck-${name}`, given);
  };
  const [interval, timeout, startPeriod] = [time('interval'), time('timeout'), time('start-period')];
  const count = values['healthcheck-retries'];
  const retries = count === undefined ? undefined : parseNumber('--healthcheck-retries', count);
  if (line === undefined) {
    if ([interval, timeout, startPeriod, retries].every((value) => value === undefined)) return {};
    throw wrong('--healthcheck-interval', '', 'of use without --healthcheck');
  }
  if (line === '') return { healthcheck: null };
  return {
    healthcheck: {
      test: healthTest(line),
      ...(interval !== undefined && { interval }),
      ...(timeout !== undefined && { timeout }),
      ...(startPeriod !== undefined && { startPeriod }),
      ...(retries !== undefined && { retries }),
    },
  };
}

function healthTest(line: string): readonly string[] {
  if (line === 'NONE') return ['NONE'];
  if (!line.trimStart().startsWith('[')) return ['CMD-SHELL', line];
  const list = parseList('--healthcheck', line);
  return ['CMD', 'CMD-SHELL', 'NONE'].includes(list[0] ?? '') ? list : ['CMD', ...list];
}
