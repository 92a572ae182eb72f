import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ContainerUser, Rootfs } from '@boxkit/contracts';
import { rememberUser } from './user-cache.ts';

let home: string;
let asked: number;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'box-users-'));
  mkdirSync(join(home, 'upper'));
  asked = 0;
});
afterEach(() => rmSync(home, { recursive: true }));

function remember(text: string, lower = ['/a', '/b']): ContainerUser {
  const rootfs: Rootfs = {
    kind: 'overlay',
    lower,
    upper: join(home, 'upper'),
    work: '/w',
    target: '/t',
    userxattr: false,
    idMap: { kind: 'host' },
  };
  return rememberUser({ rootfs, text, home }, () => ({ uid: ++asked, gid: 0, additionalGids: [0], home: '/' }));
}

it('a user is looked up once for the same layers', () => {
  expect([remember('app').uid, remember('app').uid]).toEqual([1, 1]);
});

it('other layers and other users are looked up anew', () => {
  expect([remember('app').uid, remember('app', ['/a']).uid, remember('root').uid]).toEqual([1, 2, 3]);
});

it('a rootfs that was written to is looked at', () => {
  remember('app');
  writeFileSync(join(home, 'upper/etc'), '');
  expect(remember('app').uid).toBe(2);
});

it('a torn file is no harm', () => {
  writeFileSync(join(home, 'users.json'), '[["x", {"uid"');
  expect([remember('app').uid, remember('app').uid]).toEqual([1, 1]);
});
