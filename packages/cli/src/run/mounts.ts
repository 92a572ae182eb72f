import { isAbsolute, resolve } from 'node:path';
import type { Mount } from '@boxkit/contracts';
import { usage } from '../args/parse.ts';
import { wrong } from './values.ts';

/** `-v SOURCE:TARGET[:ro]`. */
export function parseVolume(text: string): Mount {
  const [source = '', target = '', options = '', ...more] = text.split(':');
  if (source === '' || target === '' || more.length > 0) throw wrong('--volume', text, 'SOURCE:TARGET[:ro]');
  const known = options === '' ? [] : options.split(',');
  const unknown = known.find((option) => option !== 'ro' && option !== 'rw');
  if (unknown !== undefined)
    throw usage(`option --volume: unknown option ${JSON.stringify(unknown)} in ${JSON.stringify(text)}`);
  return bind('--volume', source, target, known.includes('ro'));
}

/** `--mount type=bind,source=DIR,target=DIR[,readonly]` or `type=tmpfs,target=DIR[,tmpfs-size=BYTES,tmpfs-mode=MODE]`. */
export function parseMount(text: string): Mount {
  const fields = new Map<string, string>();
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    fields.set(equals < 0 ? part : part.slice(0, equals), equals < 0 ? 'true' : part.slice(equals + 1));
  }
  const take = (...names: readonly string[]): string | undefined => {
    const values = names.map((name) => [fields.get(name), fields.delete(name)] as const);
    return values.find(([value]) => value !== undefined)?.[0];
  };
  const type = take('type') ?? 'bind';
  const target = take('target', 'destination', 'dst');
  const readOnly = take('readonly', 'ro') === 'true';
  const source = take('source', 'src');
  const [size, mode] = [take('tmpfs-size'), take('tmpfs-mode')];
  const [unknown] = fields.keys();
  if (unknown !== undefined)
    throw usage(`option --mount: unknown field ${JSON.stringify(unknown)} in ${JSON.stringify(text)}`);
  if (target === undefined) throw wrong('--mount', text, 'a mount with a target');
  if (type === 'tmpfs') {
    const options = [...(size === undefined ? [] : [`size=${size}`]), ...(mode === undefined ? [] : [`mode=${mode}`])];
    return tmpfs('--mount', target, options, readOnly);
  }
  if (type !== 'bind' || source === undefined) throw wrong('--mount', text, 'type=bind with a source, or type=tmpfs');
  return bind('--mount', source, target, readOnly);
}

/** `--tmpfs TARGET[:OPTIONS]`. */
export function parseTmpfs(text: string): Mount {
  const colon = text.indexOf(':');
  const target = colon < 0 ? text : text.slice(0, colon);
  const options = colon < 0 ? [] : text.slice(colon + 1).split(',');
  return tmpfs(
    '--tmpfs',
    target,
    options.filter((option) => option !== 'ro' && option !== 'rw'),
    options.includes('ro'),
  );
}

function bind(option: string, source: string, target: string, readOnly: boolean): Mount {
  if (!/^[./~]/.test(source)) {
    throw usage(
      `option ${option}: ${JSON.stringify(source)} is no path`,
      'A directory of the host starts with /, ./ or ../; volumes by name are not supported.',
    );
  }
  return { type: 'bind', source: resolve(source), target: absolute(option, target), readOnly };
}

function tmpfs(option: string, target: string, options: readonly string[], readOnly: boolean): Mount {
  return { type: 'tmpfs', target: absolute(option, target), readOnly, ...(options.length > 0 ? { options } : {}) };
}

function absolute(option: string, target: string): string {
  if (isAbsolute(target)) return target;
  throw usage(`option ${option}: the target ${JSON.stringify(target)} is not absolute`);
}
