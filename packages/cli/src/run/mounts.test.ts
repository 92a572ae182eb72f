import { describe, expect, it } from 'vitest';
import { parseMount } from './mount-option.ts';
import { parseDevice, parseTmpfs, parseVolume } from './mounts.ts';
import { fileLines } from './values.ts';

const plain = { target: '/x', readOnly: false };

describe('--volume', () => {
  it.each([
    ['/x', { volume: plain }],
    ['data:/x', { volume: { name: 'data', ...plain } }],
    ['data:/x:ro,nocopy', { volume: { name: 'data', target: '/x', readOnly: true, noCopy: true } }],
    ['/src:/x', { mount: { type: 'bind', source: '/src', ...plain } }],
    ['/src:/x:z,rprivate,cached', { mount: { type: 'bind', source: '/src', ...plain } }],
    ['/src:/x:nodev,noexec', { mount: { type: 'bind', source: '/src', ...plain, options: ['noexec'] } }],
    ['data:/x:nosuid,copy', { volume: { name: 'data', ...plain, options: ['nosuid'] } }],
    ['/src:/x:ro', { mount: { type: 'bind', source: '/src', target: '/x', readOnly: true } }],
  ])('%s is understood', (text, expected) => {
    expect(parseVolume(text)).toEqual(expected);
  });

  it.each([
    '',
    ':',
    'a',
    'a:',
    ':/x',
    'a:x',
    'a:/x:',
    'a:/x:q',
    '/a:/x:rslave',
    'a:/x:ro,rw',
    '/a:/x:nocopy',
    'a/b:/x',
    'a:/x:ro:rw',
  ])('%j is refused', (text) => expect(() => parseVolume(text)).toThrow('--volume'));
});

describe('--mount', () => {
  it.each([
    ['dst=/x', { volume: plain }],
    ['Type=volume,src=data,destination=/x,volume-nocopy', { volume: { name: 'data', ...plain, noCopy: true } }],
    ['type=bind,source=/a,target=/x,readonly=false', { mount: { type: 'bind', source: '/a', ...plain } }],
    ['type=bind,source=/a=b,target=/x,ro', { mount: { type: 'bind', source: '/a=b', target: '/x', readOnly: true } }],
    [
      'type=bind,source=/a,target=/x,nosuid,noexec=true,nodev,relabel=shared,U=false,bind-recursive=enabled',
      { mount: { type: 'bind', source: '/a', ...plain, options: ['nosuid', 'noexec'] } },
    ],
    ['type=tmpfs,target=/x,exec,nosuid', { mount: { type: 'tmpfs', ...plain, options: ['exec', 'nosuid'] } }],
    ['type=volume,source=data,target=/x,volume-driver=local', { volume: { name: 'data', ...plain } }],
    [
      'type=tmpfs,target=/x,tmpfs-size=1m,tmpfs-mode=1770',
      { mount: { type: 'tmpfs', ...plain, options: ['size=1048576', 'mode=1770'] } },
    ],
  ])('%s is understood', (text, expected) => {
    expect(parseMount(text)).toEqual(expected);
  });

  it.each([
    'type=bind,target=/x',
    'type=nfs,target=/x',
    'target=/x,target=/y',
    'target',
    'source=a',
    'type=tmpfs,source=a,target=/x',
    'type=tmpfs,target=/x,tmpfs-mode=9',
    'target=/x,readonly=maybe',
    'type=bind,source=/a,target=/x,bind-propagation=rshared',
    'type=bind,source=/a,target=/x,U',
    'type=bind,source=/a,target=/x,nodev=false',
    'type=bind,source=/a,target=/x,relabel=other',
    'type=volume,source=a,target=/x,volume-driver=nfs',
  ])('%s is refused', (text) => expect(() => parseMount(text)).toThrow('--mount'));
});

it('--tmpfs knows the options of tmpfs, and no others', () => {
  expect(parseTmpfs('/x:ro,size=1m,exec')).toEqual({
    mount: { type: 'tmpfs', target: '/x', readOnly: true, options: ['size=1m', 'exec'] },
  });
  for (const text of ['/x:suid', '/x:', 'x', '/x:size=a']) expect(() => parseTmpfs(text)).toThrow('--tmpfs');
});

it('--device takes a source, a target and permissions that can be enforced', () => {
  expect(parseDevice('/dev/a')).toEqual({ source: '/dev/a' });
  expect(parseDevice('/dev/a:rw')).toEqual({ source: '/dev/a' });
  expect(parseDevice('/dev/a:/dev/b:rwm')).toEqual({ source: '/dev/a', target: '/dev/b' });
  for (const text of ['a', '/dev/a:b', '/dev/a:/dev/b:x', '/dev/a:r', '/dev/a:/dev/b:rw:x', ''])
    expect(() => parseDevice(text)).toThrow('--device');
});

it('an env file is read as docker reads it, and its values are never shown', () => {
  expect(fileLines('--env-file', 'f', '\uFEFFA=1\r\n# no\n  # no\n\n  B= "x" \nC\n')).toEqual(['A=1', 'B= "x" ', 'C']);
  expect(() => fileLines('--env-file', 'f', 'A B=secret')).toThrow(expect.not.stringContaining('secret') as Error);
  expect(() => fileLines('--env-file', 'f', '=secret')).toThrow('--env-file');
});
