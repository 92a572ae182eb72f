import type { ConfigChanges } from '@boxkit/box';
import { usage } from '../args/parse.ts';
import { parseDuration, parseNumber, parseSignal } from '../run/values.ts';

const shell = ['/bin/sh', '-c'];
const instructions = [
  'CMD',
  'ENTRYPOINT',
  'ENV',
  'EXPOSE',
  'HEALTHCHECK',
  'LABEL',
  'STOPSIGNAL',
  'USER',
  'VOLUME',
  'WORKDIR',
] as const;

/** The instructions of a Dockerfile that change a configuration, as docker's commit and import take them. Throws ERR_BOX_USAGE. */
export function readInstructions(lines: readonly string[]): ConfigChanges {
  return lines.map(readInstruction).reduce<ConfigChanges>(
    (all, one) => ({
      ...all,
      ...one,
      ...(one.env && { env: { ...all.env, ...one.env } }),
      ...(one.labels && { labels: { ...all.labels, ...one.labels } }),
      ...(one.ports && { ports: { ...all.ports, ...one.ports } }),
      ...(one.volumes && { volumes: { ...all.volumes, ...one.volumes } }),
    }),
    {},
  );
}

function readInstruction(line: string): ConfigChanges {
  const [, word = '', rest = ''] = /^\s*([A-Za-z]+)(?:\s+([\s\S]*))?$/.exec(line) ?? [];
  const value = rest.trim();
  switch (word.toUpperCase()) {
    case 'CMD':
      return { cmd: command(line, value) };
    case 'ENTRYPOINT':
      return { entrypoint: command(line, value) };
    case 'ENV':
      return { env: pairs(line, value) };
    case 'LABEL':
      return { labels: pairs(line, value) };
    case 'EXPOSE':
      return { ports: Object.fromEntries(words(line, value).map((port) => [withProtocol(line, port), true])) };
    case 'VOLUME':
      return {
        volumes: Object.fromEntries(
          (list(line, value) ?? words(line, value)).map((path) => [absolute(line, path), true]),
        ),
      };
    case 'USER':
      return { user: one(line, value) };
    case 'WORKDIR':
      return { workingDir: absolute(line, one(line, value)) };
    case 'STOPSIGNAL':
      return { stopSignal: signal(line, value) };
    case 'HEALTHCHECK':
      return { healthcheck: healthcheck(line, value) };
    default:
      throw wrongChange(line, `known are ${instructions.join(', ')}`);
  }
}

/** The exec form as it is, the shell form for a shell; an empty list takes it away. */
function command(line: string, value: string): readonly string[] | null {
  const exec = list(line, value);
  if (exec !== undefined) return exec.length === 0 ? null : exec;
  if (value === '') throw wrongChange(line, 'it has no value');
  return [...shell, value];
}

function list(line: string, value: string): readonly string[] | undefined {
  if (!value.startsWith('[')) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    parsed = undefined;
  }
  if (Array.isArray(parsed) && parsed.every((word) => typeof word === 'string')) return parsed;
  throw wrongChange(line, 'its list is no JSON list of words');
}

/** `KEY=VALUE KEY="VALUE WITH SPACES"`, or the old form `KEY VALUE`. */
function pairs(line: string, value: string): Record<string, string> {
  const all = words(line, value);
  const [first = ''] = all;
  if (!first.includes('=')) {
    const rest = value.slice(value.search(/\s/) + 1).trim();
    if (all.length < 2) throw wrongChange(line, 'wanted KEY=VALUE');
    return { [first]: rest };
  }
  return Object.fromEntries(
    all.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1) throw wrongChange(line, 'wanted KEY=VALUE');
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

/** Words as a shell parts them: quotes hold spaces, a backslash holds what follows. */
function words(line: string, value: string): readonly string[] {
  const found = value.match(/(?:[^\s"'\\]|\\[\s\S]|"(?:[^"\\]|\\[\s\S])*"|'[^']*')+/g) ?? [];
  if (found.join('').length !== value.replaceAll(/\s+(?=(?:[^"']*["'][^"']*["'])*[^"']*$)/g, '').length) {
    throw wrongChange(line, 'a quote has no end');
  }
  if (found.length === 0) throw wrongChange(line, 'it has no value');
  return found.map((word) =>
    word.replaceAll(/\\([\s\S])|"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'/g, (_all, escaped, double, single) => {
      if (double !== undefined) return (double as string).replaceAll(/\\(["\\$])/g, '$1');
      return (escaped ?? single ?? '') as string;
    }),
  );
}

function one(line: string, value: string): string {
  const [word = '', ...others] = words(line, value);
  if (others.length > 0) throw wrongChange(line, 'it takes one value');
  return word;
}

function absolute(line: string, path: string): string {
  if (path.startsWith('/')) return path;
  throw wrongChange(line, 'wanted a path from the root of the image, such as /srv');
}

function signal(line: string, value: string): string {
  const name = one(line, value);
  parseSignal('STOPSIGNAL', name);
  return name;
}

function withProtocol(line: string, port: string): string {
  const [, numbers, protocol = 'tcp'] = /^(\d{1,5}(?:-\d{1,5})?)(?:\/(tcp|udp|sctp))?$/.exec(port) ?? [];
  if (numbers === undefined) throw wrongChange(line, 'wanted a port, such as 80 or 53/udp');
  return `${numbers}/${protocol}`;
}

/** `[--interval=30s ...] CMD command`, or `NONE`. */
function healthcheck(line: string, value: string): NonNullable<ConfigChanges['healthcheck']> {
  if (value.toUpperCase() === 'NONE') return { test: ['NONE'] };
  let rest = value;
  const options = new Map<string, string>();
  for (let flag = next(rest); flag !== null; flag = next(rest)) {
    options.set(flag[1] ?? '', flag[2] ?? '');
    rest = rest.slice(flag[0].length);
  }
  const [, text] = /^CMD\s+([\s\S]+)$/i.exec(rest) ?? [];
  if (text === undefined) throw wrongChange(line, 'wanted CMD and a command, or NONE');
  const exec = list(line, text.trim());
  const time = (name: string): number | undefined => {
    const given = options.get(name);
    return given === undefined ? undefined : parseDuration(`HEALTHCHECK --${name}`, given);
  };
  const [interval, timeout, startPeriod] = [time('interval'), time('timeout'), time('start-period')];
  const retries = options.get('retries');
  return {
    test: exec === undefined ? ['CMD-SHELL', text.trim()] : ['CMD', ...exec],
    ...(interval !== undefined && { interval }),
    ...(timeout !== undefined && { timeout }),
    ...(startPeriod !== undefined && { startPeriod }),
    ...(retries !== undefined && { retries: parseNumber('HEALTHCHECK --retries', retries) }),
  };
}

function next(text: string): RegExpExecArray | null {
  return /^--(interval|timeout|start-period|retries)=(\S+)\s+/.exec(text);
}

function wrongChange(line: string, why: string): Error {
  return usage(
    `cannot make the change ${JSON.stringify(line)}: ${why}`,
    'It is a line of a Dockerfile: \'CMD ["sh"]\'.',
  );
}
