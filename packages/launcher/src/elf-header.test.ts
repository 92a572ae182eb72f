import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { stubExecutable } from '@boxkit/linux';
import { parseElf } from './elf-header.ts';

it('a static program asks for no loader', () => {
  expect(parseElf(stubExecutable('x86_64'))).toEqual({ machine: 'x86_64', interpreter: undefined });
  expect(parseElf(stubExecutable('aarch64'))).toEqual({ machine: 'aarch64', interpreter: undefined });
});

it('a dynamic program names its loader', () => {
  expect(parseElf(readFileSync('/proc/self/exe').subarray(0, 65_536))?.interpreter).toMatch(/^\/lib.*ld-/);
});

it('what is no ELF, or ends in its header, is told', () => {
  expect(parseElf(Buffer.from('#!/bin/sh\n'.repeat(20)))).toBeUndefined();
  expect(parseElf(stubExecutable('x86_64').subarray(0, 40))).toBeUndefined();
});

it.each([64, 70, 100, 200])('a program table that is cut after %i bytes is no harm', (length) => {
  const bytes = Buffer.from(readFileSync('/proc/self/exe').subarray(0, length));
  expect(parseElf(bytes)?.interpreter ?? '').not.toContain('ld-');
});

it('sizes from hostile numbers are bounded', () => {
  const bytes = Buffer.from(stubExecutable('x86_64'));
  bytes.writeUInt16LE(0xffff, 54);
  bytes.writeUInt16LE(0xffff, 56);
  bytes.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 32);
  expect(parseElf(bytes)).toEqual({ machine: 'x86_64', interpreter: undefined });
});
