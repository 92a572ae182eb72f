import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireTool } from '@boxkit/testkit';
import { readProgramHead } from './elf.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'box-elf-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function head(bytes: string | Uint8Array) {
  const path = join(directory, 'program');
  writeFileSync(path, bytes);
  return readProgramHead(path);
}

describe('readProgramHead', () => {
  test('reads what readelf reads from a program of this machine', (context) => {
    requireTool(context, 'readelf');
    const path = '/usr/bin/ls';
    const listing = execFileSync('readelf', ['-d', '-l', path], { encoding: 'utf8' });
    const needed = [...listing.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, soname]) => soname);
    const interpreter = /Requesting program interpreter: (.+)\]/.exec(listing)?.[1];
    expect(readProgramHead(path)).toMatchObject({ kind: 'elf', elf: { needed, interpreter } });
  });

  test('reads the interpreter of a script, with its one argument', () => {
    expect(head('#!/usr/bin/env -S node --flag\nbody')).toEqual({
      kind: 'script',
      interpreter: '/usr/bin/env',
      argument: '-S node --flag',
    });
    expect(head('#! /bin/sh\n')).toEqual({ kind: 'script', interpreter: '/bin/sh' });
    expect(head('#!')).toEqual({ kind: 'other' });
    expect(head('no program')).toEqual({ kind: 'other' });
    expect(head('')).toEqual({ kind: 'other' });
  });

  test('a damaged ELF file is an error in words, wherever it is damaged', () => {
    const whole = readFileSync('/usr/bin/true').subarray(0, 64 * 1024);
    const damaged = [
      ...[4, 5, 20, 63, 64, 300, 900].map((length) => whole.subarray(0, length)),
      ...[4, 5, 32, 33, 39, 54, 56, 57, 72, 96, 97, 104, 200, 300, 400].map((at) => {
        const copy = Buffer.from(whole);
        copy[at] = 0xff;
        copy[at + 1] = 0xff;
        return copy;
      }),
    ];
    const outcomes = damaged.map((bytes) => {
      try {
        return head(bytes).kind;
      } catch (error) {
        return error instanceof Error ? error.name : 'no error';
      }
    });
    expect(['elf', 'Error']).toEqual(expect.arrayContaining([...new Set(outcomes)]));
  });
});
