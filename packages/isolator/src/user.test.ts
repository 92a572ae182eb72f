import { expect, it } from 'vitest';
import type { RootfsView } from '@boxkit/linux';
import { resolveUser } from './user.ts';

const files: Readonly<Record<string, string>> = {
  '/etc/passwd':
    'root:x:0:0:root:/root:/bin/sh\nbroken line\napp:x:1000:1000:a:/home/app:/bin/sh\n12:x:77:77::/digits:/bin/sh\nevil:x:-1:0::/:\n',
  '/etc/group': 'root:x:0:\naudio:x:29:app\nvideo:x:44:root,app\napp:x:1000:app\n99:x:5:\n',
};

function view(contents: Readonly<Record<string, string>> = files): RootfsView {
  const read = (path: string): Buffer | undefined => {
    const text = contents[path];
    return text === undefined ? undefined : Buffer.from(text);
  };
  return { find: () => undefined, entry: () => undefined, read };
}

it.each([
  ['', { uid: 0, gid: 0, additionalGids: [0, 44], home: '/root' }],
  ['root', { uid: 0, gid: 0, additionalGids: [0, 44], home: '/root' }],
  ['app', { uid: 1000, gid: 1000, additionalGids: [1000, 29, 44], home: '/home/app' }],
  ['1000', { uid: 1000, gid: 1000, additionalGids: [1000, 29, 44], home: '/home/app' }],
  ['app:audio', { uid: 1000, gid: 29, additionalGids: [29], home: '/home/app' }],
  ['app:50', { uid: 1000, gid: 50, additionalGids: [50], home: '/home/app' }],
  ['4242', { uid: 4242, gid: 0, additionalGids: [0], home: '/' }],
  ['4242:audio', { uid: 4242, gid: 29, additionalGids: [29], home: '/' }],
])('%j becomes its ids, groups and home', (text, expected) => {
  expect(resolveUser(text, view())).toEqual(expected);
});

it('all digits is always an id, even where a name looks like one', () => {
  expect(resolveUser('12', view())).toMatchObject({ uid: 12, gid: 0 });
  expect(resolveUser('app:99', view())).toMatchObject({ gid: 99 });
});

it.each(['nobody', 'app:nobody', '4294967295', '99999999999', 'evil'])('%s is unknown', (text) => {
  expect(() => resolveUser(text, view())).toThrow(expect.objectContaining({ code: 'ERR_BOX_USER_UNKNOWN' }));
});

it('an image without accounts has root and numbers', () => {
  expect(resolveUser('', view({}))).toEqual({ uid: 0, gid: 0, additionalGids: [0], home: '/' });
  expect(resolveUser('7:8', view({}))).toEqual({ uid: 7, gid: 8, additionalGids: [8], home: '/' });
});
