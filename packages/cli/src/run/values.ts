import { isIP } from 'node:net';
import { constants } from 'node:os';
import { usage } from '../args/parse.ts';

/** `512m`, `1.5g`, `65536`: bytes, in powers of 1024 as docker has them. */
export function parseBytes(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text);
  const [, number, unit] = match ?? [];
  if (number === undefined || unit === undefined) throw wrong(option, text, 'bytes, such as 512m or 2g');
  return Math.floor(Number(number) * 1024 ** ['', 'k', 'm', 'g', 't'].indexOf(unit.toLowerCase()));
}

/** A number above zero, whole unless fractions are allowed. */
export function parseNumber(
  option: string,
  text: string,
  how: { readonly fraction?: boolean; readonly zero?: boolean } = {},
): number {
  const value = /^(?:\d+(?:\.\d*)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  const whole = how.fraction === true || Number.isSafeInteger(value);
  if (!whole || !(value > 0 || (how.zero === true && value === 0))) {
    throw wrong(option, text, how.fraction === true ? 'a number above 0' : 'a whole number above 0');
  }
  return value;
}

/** `10`, `1.5`, `90s`, `5m`, `500ms`: milliseconds; a bare number is seconds. */
export function parseDuration(option: string, text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  if (number === undefined) throw wrong(option, text, 'a time, such as 10, 90s or 5m');
  const factor = { ms: 1, '': 1000, s: 1000, m: 60_000, h: 3_600_000 }[unit] ?? 1000;
  return Math.round(Number(number) * factor);
}

/** `KEY=VALUE` pairs; a bare `KEY` takes the caller's value, or nothing when the caller has none, as docker has it. */
export function parseEnvironment(
  option: string,
  pairs: readonly string[],
  own: NodeJS.ProcessEnv,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const key = equals < 0 ? pair : pair.slice(0, equals);
    if (key === '' || pair.includes('\0')) throw wrong(option, pair, 'KEY=VALUE, or KEY for your own value');
    const value = equals < 0 ? own[key] : pair.slice(equals + 1);
    if (value !== undefined) environment[key] = value;
  }
  return environment;
}

/** `KEY=VALUE` pairs; a bare `KEY` has the empty value, as docker has it. */
export function parseLabels(pairs: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const pair of pairs) {
    const [, key, value = ''] = /^([^=]+)(?:=(.*))?$/s.exec(pair) ?? [];
    if (key === undefined) throw wrong('--label', pair, 'KEY=VALUE, or KEY');
    labels[key] = value;
  }
  return labels;
}

/** `SIGTERM`, `term`, `15`, `SIGRTMIN+3`. */
export function parseSignal(option: string, text: string): NodeJS.Signals | number {
  const name = text.trim().toUpperCase().replace(/^SIG/, '');
  const [, base, offset = '0'] = /^RT(MIN|MAX)([+-]\d+)?$/.exec(name) ?? [];
  // SIGRTMIN and SIGRTMAX as glibc and musl number them
  const number = /^\d+$/.test(name) ? Number(name) : (base === 'MIN' ? 34 : 64) + Number(offset);
  if (`SIG${name}` in constants.signals) return `SIG${name}` as NodeJS.Signals;
  if ((base === undefined && !/^\d+$/.test(name)) || number < 1 || number > 64) {
    throw wrong(option, text, 'a signal, such as TERM, SIGHUP or 9');
  }
  return number;
}

/** A time (`2024-05-01T12:00:00Z`, seconds since 1970) or an age before now (`10m`, `1h30m`): milliseconds since 1970. */
export function parseTime(option: string, text: string, now: number): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) {
    const parts = text.match(/[\d.]+(?:ms|s|m|h)/g) ?? [];
    return now - parts.reduce((sum, part) => sum + parseDuration(option, part), 0);
  }
  const time = /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw wrong(option, text, 'a time, such as 2024-05-01T12:00:00Z, or an age, such as 10m');
  return time;
}

/**
 * The lines of a file of variables or labels, as docker has them: a byte order mark, blanks before a name, blank lines and those that start
 * with `#` are skipped, nothing is unquoted, and a name has no blanks.
 */
export function fileLines(option: string, file: string, text: string): string[] {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trimStart());
  const pairs = lines.filter((line) => line !== '' && !line.startsWith('#'));
  for (const pair of pairs) {
    const name = pair.split('=', 1)[0] ?? '';
    // the value may be a secret
    if (name === '' || /\s/.test(name))
      throw wrong(option, name, `the name of a ${option === '--env-file' ? 'variable' : 'label'}, in ${file}`);
  }
  return pairs;
}

/** `nofile=1024:2048`. */
export function parseUlimit(text: string): { readonly name: string; readonly soft: number; readonly hard: number } {
  const [, name, soft, hard = soft] = /^([a-z]+)=(-?\d+|unlimited)(?::(-?\d+|unlimited))?$/.exec(text) ?? [];
  if (name === undefined || soft === undefined || hard === undefined) {
    throw wrong('--ulimit', text, 'NAME=SOFT[:HARD], such as nofile=1024:2048');
  }
  const limit = (value: string): number => (value === 'unlimited' || value === '-1' ? Infinity : Number(value));
  return { name, soft: limit(soft), hard: limit(hard) };
}

/** `name:address` or `name=address`; the address may have colons of its own, or be `host-gateway`. */
export function parseHost(text: string): { readonly host: string; readonly address: string } {
  const [, host = '', written = ''] = /^([^:=\s]+)[:=](.+)$/.exec(text) ?? [];
  const address = written.replace(/^\[(.*)\]$/, '$1');
  if (isIP(address) === 0 && address !== 'host-gateway') {
    throw wrong('--add-host', text, 'NAME:ADDRESS, with the address as a number or host-gateway');
  }
  return { host, address };
}

/** The address of a name server. */
export function parseServer(text: string): string {
  if (isIP(text) === 0) throw wrong('--dns', text, 'an address, such as 192.0.2.1');
  return text;
}

export function wrong(option: string, text: string, wanted: string): Error {
  return usage(`option ${option}: ${JSON.stringify(text)} is not ${wanted}`);
}
