import { describe, expect, it } from 'vitest';
import { plainText, redactUrl } from '../http/redact.ts';
import { parseChallenges } from './challenge.ts';
import { endpointsOf } from './hosts.ts';
import { parseRetryAfter } from './retry.ts';

describe('parseChallenges', () => {
  it('reads several challenges, quoted and bare values, and escapes', () => {
    const header = String.raw`Basic realm="a, b", Bearer realm="https://auth.io/token",service=reg,scope="repository:a/b:pull,push" , error="in\"valid"`;
    expect(parseChallenges(header)).toEqual([
      { scheme: 'basic', parameters: { realm: 'a, b' } },
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.io/token',
          service: 'reg',
          scope: 'repository:a/b:pull,push',
          error: 'in"valid',
        },
      },
    ]);
  });

  it('reads a scheme without parameters, and nothing out of nothing', () => {
    expect(parseChallenges('Negotiate')).toEqual([{ scheme: 'negotiate', parameters: {} }]);
    expect(parseChallenges('')).toEqual([]);
    expect(parseChallenges('"""')).toEqual([]);
  });

  it('reads values without the quotes that they need, and passes over what is no parameter', () => {
    expect(parseChallenges('Negotiate YII+a/b==, Bearer realm=https://auth.io/token,service=reg')).toEqual([
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'bearer', parameters: { realm: 'https://auth.io/token', service: 'reg' } },
    ]);
  });

  it('takes linear time on a hostile header', () => {
    expect(parseChallenges(`Bearer a="${'\\'.repeat(1_000_000)}`)[0]).toEqual({ scheme: 'bearer', parameters: {} });
  });
});

describe('parseRetryAfter', () => {
  const now = Date.UTC(2024, 0, 1);
  it.each([
    ['7', 7000],
    [' 0 ', 0],
    ['Mon, 01 Jan 2024 00:00:05 GMT', 5000],
    ['Sunday, 31-Dec-23 00:00:00 GMT', 0],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    [undefined, undefined],
  ])('reads %j as %s ms', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});

describe('messages', () => {
  it('show no secret of a URL', () => {
    expect(redactUrl('https://user:pass@host/p/q?X-Signature=abc#f')).toBe('https://host/p/q?...');
  });

  it("show a stranger's text on one line without control characters", () => {
    expect(plainText('a\u001B[31m\nb\u202Ec')).toBe('a [31m b c');
    expect(plainText('x'.repeat(1000))).toHaveLength(303);
  });
});

describe('endpointsOf', () => {
  it('puts mirrors first, and Docker Hub where it is', () => {
    const endpoints = endpointsOf('docker.io', {
      'docker.io': { mirrors: ['mirror.io', 'http://cache:5000/hub/', 'https://x.io/v2'] },
      'mirror.io': { http: true },
    });
    expect(endpoints.map(({ base }) => base.href)).toEqual([
      'http://mirror.io/v2/',
      'http://cache:5000/hub/v2/',
      'https://x.io/v2/',
      'https://registry-1.docker.io/v2/',
    ]);
    expect(endpoints.map(({ name }) => name)).toEqual(['mirror.io', 'cache:5000', 'x.io', 'docker.io']);
  });
});
