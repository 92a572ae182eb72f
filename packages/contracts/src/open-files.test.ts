import { expect, test } from 'vitest';
import { BoxError } from './errors.ts';
import { openFilesError } from './open-files.ts';

const system = (code: string): Error => Object.assign(new Error(`${code}: open '/x'`), { code });

test.each([
  ['an error of the system', system('EMFILE'), 'EMFILE'],
  [
    'what caused an error',
    new BoxError('ERR_BOX_ARCHIVE_INVALID', 'cannot read it', { cause: system('EMFILE') }),
    'EMFILE',
  ],
  [
    'the errno of a call of ours',
    new BoxError('ERR_BOX_EXTRACT_FAILED', 'no', { fields: { errno: 'ENFILE' } }),
    'ENFILE',
  ],
  ["the words of Node's loader", new Error('Cannot read package config /x: too many open files.'), 'EMFILE'],
])('too few open files are told by their own name: %s', (_what, error, errno) => {
  const told = openFilesError(error);
  expect(told).toMatchObject({ code: 'ERR_BOX_OPEN_FILES', cause: error, fields: { errno } });
  expect((told as BoxError).hint).toMatch(/ulimit -n|fs\.file-max/);
  expect(openFilesError(told)).toBe(told);
});

test('any other error passes as it is', () => {
  for (const error of [system('ENOENT'), new BoxError('ERR_BOX_USAGE', 'no'), 'text', undefined])
    expect(openFilesError(error)).toBe(error);
});
