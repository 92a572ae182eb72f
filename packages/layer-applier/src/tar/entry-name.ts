import { invalid, unsafe } from '../extract/layer-error.ts';
import type { BytePath } from '../byte-path.ts';

const odd = /(?:^|\/)\.{0,2}(?:\/|$)/;

/**
 * Brings the name of an entry, or the target of a hardlink, to its normal form, counted from the root: a leading `/` or
 * `./` is dropped, `..` is taken back lexically. Throws ERR_BOX_LAYER_UNSAFE for a name that leaves the root.
 */
export function normalizeName(name: string): BytePath {
  let start = 0;
  while (name.startsWith('./', start) || name.startsWith('/', start)) start += name[start] === '/' ? 1 : 2;
  let end = name.length;
  while (end > start && name[end - 1] === '/') end--;
  const plain = start === 0 && end === name.length ? name : name.slice(start, end);
  if (plain === '') {
    if (name === '') throw invalid('it has no name');
    return '' as BytePath;
  }
  if (plain.includes('\0')) throw invalid('its name holds a NUL');
  return odd.test(plain) ? resolveDots(plain) : (plain as BytePath);
}

function resolveDots(name: string): BytePath {
  const kept: string[] = [];
  for (const component of name.split('/')) {
    if (component === '' || component === '.') continue;
    if (component !== '..') kept.push(component);
    else if (kept.pop() === undefined) throw unsafe('its name leaves the root');
  }
  return kept.join('/') as BytePath;
}
