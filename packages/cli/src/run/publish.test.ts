import { describe, expect, it } from 'vitest';
import { parsePublish } from './publish.ts';

describe('--publish', () => {
  it.each([
    ['8080:80', { hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
    ['127.0.0.1:8080:80', { address: '127.0.0.1', hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
    ['[::1]:8080:80/udp', { address: '::1', hostPort: 8080, containerPort: 80, protocol: 'udp' }],
    ['53:53/UDP', { hostPort: 53, containerPort: 53, protocol: 'udp' }],
    ['8000-8009:9000-9009', { hostPort: 8000, containerPort: 9000, count: 10, protocol: 'tcp' }],
    ['80', { hostPort: 0, containerPort: 80, protocol: 'tcp' }],
    ['0:80', { hostPort: 0, containerPort: 80, protocol: 'tcp' }],
    [':80/udp', { hostPort: 0, containerPort: 80, protocol: 'udp' }],
    ['127.0.0.1::80', { address: '127.0.0.1', hostPort: 0, containerPort: 80, protocol: 'tcp' }],
    ['[::1]::80-82', { address: '::1', hostPort: 0, containerPort: 80, count: 3, protocol: 'tcp' }],
    ['8000-8009:80', { hostPort: 8000, lastHostPort: 8009, containerPort: 80, protocol: 'tcp' }],
    ['1-65535:1-65535', { hostPort: 1, containerPort: 1, count: 65_535, protocol: 'tcp' }],
  ])('reads %s', (text, port) => {
    expect(parsePublish(text)).toEqual(port);
  });

  it.each([
    '',
    ':',
    '127.0.0.1:',
    '127.0.0.1:80',
    '80:0',
    '80:65536',
    '8000-8009:9000-9008',
    '9-8:9-8',
    'localhost:80:80',
    '::1:80:80',
    '[127.0.0.1]:80:80',
    '127.0.0.1/x:80:80',
    '80:80/sctp',
    '80:80/tcp/udp',
    ' 80:80',
  ])('refuses %j', (text) => {
    expect(() => parsePublish(text)).toThrow(expect.objectContaining({ code: 'ERR_BOX_USAGE' }));
  });
});
