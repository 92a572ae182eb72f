import { mkdir, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '@boxkit/testkit';
import {
  atFlag,
  cString,
  deviceNumber,
  linkAt,
  mkdirAt,
  openAt,
  openBeneath,
  openFlag,
  readlinkAt,
  symlinkAt,
  unlinkAt,
  utimensAt,
  writeTimes,
} from './fs-at.ts';
import { check, lastErrno } from './libc.ts';
import { makePipe } from './pipe.ts';
import { getXattr, listXattrs, removeXattr, setXattr } from './xattr.ts';

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY;

test('calls are relative to the descriptor, whatever its path is now', async () => {
  await using home = await temporaryDirectory('fs-at');
  const fd = openSync(home.path, directoryFlags);
  try {
    check(mkdirAt(fd, cString('d'), 0o755), 'mkdirat');
    check(symlinkAt(cString(Buffer.from([0xff])), fd, cString('s')), 'symlinkat');
    check(linkAt(fd, cString('s'), fd, cString('t'), 0), 'linkat');
    expect(await readlink(join(home.path, 't'), 'buffer')).toEqual(Buffer.from([0xff]));
    const buffer = Buffer.alloc(10);
    expect(readlinkAt(fd, cString('s'), buffer, 10)).toBe(1);
    check(unlinkAt(fd, cString('d'), atFlag.removeDirectory), 'unlinkat');
    expect(mkdirAt(fd, cString('s'), 0o755)).toBe(-1);
    expect(lastErrno()).toBe('EEXIST');
  } finally {
    closeSync(fd);
  }
});

test('the errno of a failed call is not that of what Node has done since', () => {
  expect(mkdirAt(-1, cString('relative'), 0o755)).toBe(-1);
  expect(() => process.kill(2 ** 30, 0)).toThrow('ESRCH');
  expect(lastErrno()).toBe('EBADF');
});

test('openBeneath follows no symlink and does not leave its directory', async () => {
  await using home = await temporaryDirectory('fs-at');
  await mkdir(join(home.path, 'a/b'), { recursive: true });
  await symlink('a', join(home.path, 'link'));
  const fd = openSync(home.path, directoryFlags);
  try {
    const inside = check(openBeneath(fd, cString('a/b'), openFlag.readOnly | openFlag.directory), 'openat2');
    closeSync(inside);
    for (const name of ['link/b', '../x', '/etc']) expect(openBeneath(fd, cString(name), openFlag.readOnly)).toBe(-1);
  } finally {
    closeSync(fd);
  }
});

test('times before 1970 and after 2038 keep their nanoseconds', async () => {
  await using home = await temporaryDirectory('fs-at');
  await writeFile(join(home.path, 'f'), '');
  const fd = openSync(home.path, directoryFlags);
  try {
    const times = new Uint8Array(32);
    for (const seconds of [-2, 5_000_000_000]) {
      writeTimes(new DataView(times.buffer), seconds, 750_000_001);
      check(utimensAt(fd, cString('f'), times, 0), 'utimensat');
      const { mtimeNs } = await stat(join(home.path, 'f'), { bigint: true });
      expect(mtimeNs).toBe(BigInt(seconds) * 1_000_000_000n + 750_000_001n);
    }
  } finally {
    closeSync(fd);
  }
});

test('device numbers are those of glibc', () => {
  expect(deviceNumber(1, 3)).toBe(0x103n);
  expect(deviceNumber(259, 70_000)).toBe(0x1111_0370n);
  expect(deviceNumber(0xffff_ffff, 0xffff_ffff)).toBe(0xffff_ffff_ffff_ffffn);
});

test('a file is created with O_EXCL and no symlink is followed', async () => {
  await using home = await temporaryDirectory('fs-at');
  await symlink('/etc/passwd', join(home.path, 's'));
  const fd = openSync(home.path, directoryFlags);
  try {
    const flags = openFlag.writeOnly | openFlag.create | openFlag.exclusive | openFlag.noFollow;
    expect(openAt(fd, cString('s'), flags, 0o600)).toBe(-1);
    closeSync(check(openAt(fd, cString('new'), flags, 0o600), 'openat'));
  } finally {
    closeSync(fd);
  }
});

test('xattrs are set, listed, read and removed, the empty value too', async () => {
  await using home = await temporaryDirectory('xattr', '/var/tmp');
  setXattr(home.path, 'user.one', Buffer.from([0, 255]));
  setXattr(home.path, 'user.empty', Buffer.alloc(0));
  expect(listXattrs(home.path).toSorted()).toEqual(['user.empty', 'user.one']);
  expect(getXattr(home.path, 'user.one')).toEqual(Buffer.from([0, 255]));
  expect(getXattr(home.path, 'user.empty')).toHaveLength(0);
  removeXattr(home.path, 'user.one');
  expect(() => getXattr(home.path, 'user.one')).toThrow(expect.objectContaining({ errno: 'ENODATA' }));
});

test('a pipe carries bytes', () => {
  const pipe = makePipe(65_536);
  writeSync(pipe.write, 'x');
  closeSync(pipe.write);
  const buffer = Buffer.alloc(4);
  expect(readSync(pipe.read, buffer)).toBe(1);
  expect(readSync(pipe.read, buffer)).toBe(0);
  closeSync(pipe.read);
});
