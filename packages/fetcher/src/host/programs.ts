import { posix } from 'node:path';
import { BoxError } from '@boxkit/contracts';

/** More than any image of this kind needs, and few enough to name in an error. */
const limit = 1000;

/**
 * The programs of a location, `sh,ls,/opt/tool/bin/tool`: bare names or absolute paths, each once, in the caller's order
 * (the first is the default command where there is no shell). Throws ERR_BOX_REFERENCE_INVALID.
 */
export function parsePrograms(location: string): readonly [string, ...string[]] {
  const names = location
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const [first, ...rest] = new Set(names.map((name) => checked(name, location)));
  if (first === undefined) throw invalid(location, 'it names no program');
  if (rest.length >= limit) throw invalid(location, `it names more than ${limit} programs`);
  return [first, ...rest];
}

function checked(name: string, location: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  if (/[\u0000-\u001f\u007f]/.test(name)) throw invalid(location, 'a name holds a control character');
  if (name.startsWith('/')) {
    const path = posix.normalize(name);
    if (path.endsWith('/')) throw invalid(location, `${JSON.stringify(name)} is a directory`);
    return path;
  }
  if (name.includes('/')) throw invalid(location, `${JSON.stringify(name)} is a relative path`);
  if (name === '.' || name === '..') throw invalid(location, `${JSON.stringify(name)} is no program`);
  return name;
}

function invalid(location: string, reason: string): BoxError {
  return new BoxError(
    'ERR_BOX_REFERENCE_INVALID',
    `cannot use ${JSON.stringify(`host:${location.slice(0, 160)}`)}: ${reason}`,
    {
      hint: 'List programs by name or by absolute path, with commas between: host:sh,ls,/usr/bin/env.',
    },
  );
}
