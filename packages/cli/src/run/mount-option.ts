import { usage } from '../args/parse.ts';
import { bind, bindOptions, isLabelled, type MountOrVolume, tmpfs, volume } from './mounts.ts';
import { parseBytes, wrong } from './values.ts';

const aliases: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
};
/** podman's: each is true when it stands alone. */
const mountFlags = [...bindOptions, 'nodev', 'suid', 'exec'];
const keysOf: Readonly<Record<string, readonly string[]>> = {
  bind: [
    ...['source', 'target', 'readonly', 'bind-propagation', 'consistency', 'relabel', ...mountFlags],
    ...['bind-nonrecursive', 'bind-recursive', 'u', 'chown'],
  ],
  tmpfs: ['target', 'readonly', 'tmpfs-size', 'tmpfs-mode', ...mountFlags],
  volume: ['source', 'target', 'readonly', 'volume-nocopy', 'volume-driver', 'u', 'chown', ...mountFlags],
};
/** What is so already when it has one of these values, and cannot be otherwise. */
const fixed: Readonly<Record<string, RegExp>> = {
  'bind-propagation': /^r?private$/,
  'bind-nonrecursive': /^(?:false|0)$/i,
  'bind-recursive': /^enabled$/i,
  'volume-driver': /^local$/,
  u: /^(?:false|0)$/i,
  chown: /^(?:false|0)$/i,
  nodev: /^(?:true|1)$/i,
};

/** `--mount KEY=VALUE,...` with docker's keys; a volume unless `type` says otherwise. */
export function parseMount(text: string): MountOrVolume {
  const fields = readFields(text);
  const type = fields.get('type') ?? 'volume';
  fields.delete('type');
  const allowed = keysOf[type];
  if (allowed === undefined) throw wrong('--mount', text, 'a mount of the type bind, tmpfs or volume');
  const unknown = [...fields.keys()].find((key) => !allowed.includes(key));
  if (unknown !== undefined)
    throw usage(
      `option --mount: a mount of the type ${type} has no ${JSON.stringify(unknown)} in ${JSON.stringify(text)}`,
    );
  const target = fields.get('target');
  if (target === undefined || target === '') throw wrong('--mount', text, 'a mount with a target');
  for (const [key, values] of Object.entries(fixed)) {
    const value = fields.get(key);
    if (value !== undefined && !values.test(value))
      throw usage(`option --mount: ${key}=${value} cannot be had in ${JSON.stringify(text)}`);
  }
  checkLabel(fields.get('relabel'), text);
  const readOnly = flag(fields, 'readonly');
  const source = fields.get('source') ?? '';
  const options = bindOptions.filter((option) => flag(fields, option));
  const wish = { target, readOnly, options };
  if (type === 'volume') return volume('--mount', { ...wish, name: source, noCopy: flag(fields, 'volume-nocopy') });
  if (type === 'tmpfs') return tmpfs('--mount', target, tmpfsOptions(fields), readOnly);
  if (source === '') throw wrong('--mount', text, 'a mount of the type bind with a source');
  return bind('--mount', { ...wish, source });
}

/** As `z` and `Z` of --volume: nothing to do where there is no SELinux. */
function checkLabel(relabel: string | undefined, text: string): void {
  if (relabel === undefined) return;
  if (relabel !== 'shared' && relabel !== 'private')
    throw wrong('--mount', text, 'a mount with relabel=shared or private');
  if (isLabelled()) throw usage('option --mount: relabel asks for an SELinux label, and box sets none');
}

/** Keys are known in either case, and once each; those that stand alone mean true. */
function readFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    const written = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    const key = aliases[written] ?? written;
    if (equals < 0 && key === 'rw') continue;
    if (equals < 0 && !['readonly', 'volume-nocopy', 'u', 'chown', ...mountFlags].includes(key))
      throw usage(`option --mount: ${JSON.stringify(part)} in ${JSON.stringify(text)} is not KEY=VALUE`);
    if (fields.has(key)) throw usage(`option --mount: ${key} is given twice in ${JSON.stringify(text)}`);
    fields.set(key, equals < 0 ? 'true' : part.slice(equals + 1));
  }
  return fields;
}

function flag(fields: ReadonlyMap<string, string>, key: string): boolean {
  const text = fields.get(key) ?? 'false';
  if (/^(?:true|1)$/i.test(text)) return true;
  if (/^(?:false|0)$/i.test(text)) return false;
  throw wrong('--mount', `${key}=${text}`, 'true or false');
}

function tmpfsOptions(fields: ReadonlyMap<string, string>): string[] {
  const [size, mode] = [fields.get('tmpfs-size'), fields.get('tmpfs-mode')];
  if (mode !== undefined && !/^0*[0-7]{1,4}$/.test(mode))
    throw wrong('--mount', `tmpfs-mode=${mode}`, 'a mode in octal, such as 1770');
  return [
    ...['exec', ...bindOptions].filter((option) => flag(fields, option)),
    ...(size === undefined ? [] : [`size=${parseBytes('--mount', size)}`]),
    ...(mode === undefined ? [] : [`mode=${mode}`]),
  ];
}
