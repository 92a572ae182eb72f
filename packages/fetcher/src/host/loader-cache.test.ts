import { execFileSync } from 'node:child_process';
import { endianness } from 'node:os';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireTool } from '@boxkit/testkit';
import { parseLoaderCache, readLoaderCache, readLoaderConf } from './loader-cache.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'box-ld-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('the loader cache', () => {
  test('gives the paths that ldconfig prints, in its order', (context) => {
    requireTool(context, 'ldconfig');
    const listing = execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
    const expected = new Map<string, string[]>();
    for (const [, soname = '', flags = '', path = ''] of listing.matchAll(/^\t(\S+) \((.*)\) => (\S+)$/gm)) {
      if (!flags.includes('hwcap')) expected.set(soname, [...(expected.get(soname) ?? []), path]);
    }
    const cache = readLoaderCache();
    expect(expected.size).toBeGreaterThan(10);
    for (const [soname, paths] of expected) expect([soname, cache.find(soname)]).toEqual([soname, paths]);
    expect(cache.find('libno-such-thing.so.9')).toEqual([]);
  });

  test('that is damaged or cut short is no cache', () => {
    expect(parseLoaderCache(undefined)).toBeUndefined();
    expect(parseLoaderCache(Buffer.from('glibc-ld.so.cache1.1'))).toBeUndefined();
    const lying = Buffer.alloc(60);
    lying.write('glibc-ld.so.cache1.1');
    if (endianness() === 'LE') lying.writeUInt32LE(1_000_000, 20);
    else lying.writeUInt32BE(1_000_000, 20);
    expect(parseLoaderCache(lying)).toBeUndefined();
  });

  test('missing, gives way to the directories of ld.so.conf, with what it includes', () => {
    mkdirSync(join(directory, 'conf.d'));
    writeFileSync(join(directory, 'ld.so.conf'), `# comment\n/first\ninclude conf.d/*.conf\n/last # why\nrelative\n`);
    writeFileSync(join(directory, 'conf.d/b.conf'), '/b\n');
    writeFileSync(join(directory, 'conf.d/a.conf'), `/a\ninclude ${directory}/ld.so.conf\n`);
    writeFileSync(join(directory, 'conf.d/c.txt'), '/c\n');
    const conf = join(directory, 'ld.so.conf');
    expect(readLoaderConf(conf).slice(0, 2)).toEqual(['/first', '/a']);
    expect(readLoaderConf(conf)).toContain('/b');
    expect(readLoaderConf(conf)).not.toContain('/c');
    expect(readLoaderCache(join(directory, 'none'), conf).find('libx.so').at(0)).toBe('/first/libx.so');
  });
});
