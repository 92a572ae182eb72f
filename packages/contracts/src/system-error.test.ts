import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BoxError } from './errors.ts';
import { isSystemError, writeError } from './system-error.ts';

function refused(path: string): unknown {
  try {
    return mkdirSync(path);
  } catch (error) {
    return error;
  }
}

test('what the kernel refuses to write is told with the place and the reason', () => {
  const error = refused('/etc/passwd/x');
  expect(isSystemError(error)).toBe(true);
  expect(writeError('unpack into /etc/passwd/x', error)).toMatchObject({
    code: 'ERR_BOX_SYSTEM_CALL',
    message: 'cannot unpack into /etc/passwd/x: a part of the path is no directory',
    cause: error,
    fields: { errno: 'ENOTDIR', path: '/etc/passwd/x' },
  });
});

test('any other error passes as it is', () => {
  for (const error of [new BoxError('ERR_BOX_USAGE', 'no'), new TypeError('no'), 'text', undefined])
    expect(writeError('write', error)).toBe(error);
});
