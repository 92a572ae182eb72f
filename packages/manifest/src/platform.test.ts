import { describe, expect, it } from 'vitest';
import { amd64Level, formatPlatform, hostPlatform, parsePlatform } from './platform.ts';
import { choosePlatform, matchPlatform } from './platform-match.ts';

const p = parsePlatform;

describe('parsePlatform', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/amd64/v3', 'linux/amd64/v3'],
    ['linux/x86_64', 'linux/amd64'],
    ['aarch64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm64/8', 'linux/arm64'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/6', 'linux/arm/v6'],
    ['armel', 'linux/arm/v6'],
    ['i686', 'linux/386'],
    ['Linux/ARM64', 'linux/arm64'],
    ['windows(10.0.17763.1)/amd64', 'windows(10.0.17763.1)/amd64'],
  ])('reads %s as %s', (text, expected) => {
    expect(formatPlatform(p(text))).toBe(expected);
  });

  it.each(['', '/', 'linux/', 'linux/arm/v7/x', 'linux arm', 'a/b/c/d', 'linux/../x'])('refuses %j', (text) => {
    expect(() => p(text)).toThrow(expect.objectContaining({ code: 'ERR_BOX_PLATFORM_INVALID' }));
  });
});

describe('matchPlatform', () => {
  it('lets arm fall back to older versions, never newer', () => {
    const offered = ['linux/arm/v5', 'linux/arm/v6', 'linux/arm/v8'].map((text) => p(text));
    expect(choosePlatform(p('linux/arm/v7'), offered)).toBe(1);
    expect(choosePlatform(p('linux/arm/v8'), offered)).toBe(2);
    expect(choosePlatform(p('linux/arm/v5'), offered)).toBe(0);
    expect(matchPlatform(p('linux/arm/v6'), p('linux/arm/v7'))).toBeUndefined();
    expect(matchPlatform(p('linux/arm/v7'), { os: 'linux', architecture: 'arm', variant: 'v4' })).toBeUndefined();
  });

  it('takes the highest amd64 level that the machine has', () => {
    const offered = ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v3', 'linux/amd64/v4'].map((text) => p(text));
    expect(choosePlatform(p('linux/amd64/v3'), offered)).toBe(2);
    expect(choosePlatform(p('linux/amd64'), offered)).toBe(0);
    expect(choosePlatform(p('linux/amd64'), offered.slice(1))).toBeUndefined();
  });

  it('never takes one architecture for another', () => {
    expect(matchPlatform(p('linux/arm64'), p('linux/arm/v8'))).toBeUndefined();
    expect(matchPlatform(p('linux/amd64'), p('linux/386'))).toBeUndefined();
    expect(matchPlatform(p('linux/amd64'), p('windows/amd64'))).toBeUndefined();
  });

  it('compares os.version by its build', () => {
    const at = (version: string) => p(`windows(${version})/amd64`);
    expect(choosePlatform(at('10.0.17763.9'), [at('10.0.20348.1'), at('10.0.17763.1')])).toBe(1);
  });
});

describe('hostPlatform', () => {
  it('is Linux, in the spelling of image indexes', () => {
    expect(hostPlatform().os).toBe('linux');
    expect(hostPlatform().architecture).not.toBe('x64');
  });

  it('needs all flags of a level and of those below', () => {
    const v2 = ['cx16', 'lahf_lm', 'popcnt', 'sse4_1', 'sse4_2', 'ssse3'];
    const v3 = ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe', 'xsave'];
    expect(amd64Level([])).toBe('v1');
    expect(amd64Level(v2)).toBe('v2');
    expect(amd64Level(v3)).toBe('v1');
    expect(amd64Level([...v2, ...v3])).toBe('v3');
    expect(amd64Level([...v2, ...v3, 'avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'])).toBe('v4');
  });
});
