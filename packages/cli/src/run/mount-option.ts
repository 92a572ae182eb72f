import { usage } from '../args/parse.ts';
import { bind, type MountOrVolume, tmpfs, volume } from './mounts.ts';
import { parseBytes, wrong } from './values.ts';

const aliases: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
};
const keysOf: Readonly<Record<string, readonly string[]>> = {
  bind: ['source', 'target', 'readonly', 'bind-propagation', 'consistency'],
  tmpfs: ['target', 'readonly', 'tmpfs-size', 'tmpfs-mode'],
  volume: ['source', 'target', 'readonly', 'volume-nocopy'],
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
  const readOnly = flag(fields, 'readonly');
  const source = fields.get('source') ?? '';
  if (type === 'volume')
    return volume('--mount', { name: source, target, readOnly, noCopy: flag(fields, 'volume-nocopy') });
  if (type === 'tmpfs') return tmpfs('--mount', target, tmpfsOptions(fields), readOnly);
  if (source === '') throw wrong('--mount', text, 'a mount of the type bind with a source');
  const propagation = fields.get('bind-propagation') ?? 'rprivate';
  if (propagation !== 'rprivate' && propagation !== 'private')
    throw usage(`option --mount: bind-propagation is always rprivate, and cannot be ${JSON.stringify(propagation)}`);
  return bind('--mount', source, target, readOnly);
}

/** Keys are known in either case, and once each; those that stand alone mean true. */
function readFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    const written = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    const key = aliases[written] ?? written;
    if (equals < 0 && key === 'rw') continue;
    if (equals < 0 && key !== 'readonly' && key !== 'volume-nocopy')
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
    ...(size === undefined ? [] : [`size=${parseBytes('--mount', size)}`]),
    ...(mode === undefined ? [] : [`mode=${mode}`]),
  ];
}
