import { describe, expect, it } from 'vitest';
import { isBoxError } from '@boxkit/contracts';
import { familiarRegistryReference, formatRegistryReference, parseRegistryReference } from './registry-reference.ts';

const sha = `sha256:${'a'.repeat(64)}`;

describe('parseRegistryReference', () => {
  // From distribution/reference, normalize_test.go and reference_test.go.
  it.each([
    ['alpine', 'docker.io/library/alpine:latest'],
    ['alpine:3.20', 'docker.io/library/alpine:3.20'],
    ['user/app', 'docker.io/user/app:latest'],
    ['docker.io/alpine', 'docker.io/library/alpine:latest'],
    ['index.docker.io/alpine', 'docker.io/library/alpine:latest'],
    ['index.docker.io/user/app', 'docker.io/user/app:latest'],
    ['localhost/app', 'localhost/app:latest'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    ['127.0.0.1:5000/debian:bookworm', '127.0.0.1:5000/debian:bookworm'],
    ['[::1]:5000/app:1', '[::1]:5000/app:1'],
    ['[2001:db8::1]/app', '[2001:db8::1]/app:latest'],
    ['Registry/app', 'Registry/app:latest'],
    ['ghcr.io/o/r/deep/er:v1', 'ghcr.io/o/r/deep/er:v1'],
    ['foo_bar.com:8080', 'docker.io/library/foo_bar.com:8080'],
    ['foo/foo_bar.com:8080', 'docker.io/foo/foo_bar.com:8080'],
    ['xn--n3h.com/myimage:xn--n3h.com', 'xn--n3h.com/myimage:xn--n3h.com'],
    ['a/b__c-d---e', 'docker.io/a/b__c-d---e:latest'],
    [`alpine@${sha}`, `docker.io/library/alpine@${sha}`],
    [`alpine:3@${sha}`, `docker.io/library/alpine:3@${sha}`],
    [`app:${'t'.repeat(128)}`, `docker.io/library/app:${'t'.repeat(128)}`],
    [`q.io/${'a'.repeat(255)}`, `q.io/${'a'.repeat(255)}:latest`],
  ])('reads %s', (text, expected) => {
    const parsed = parseRegistryReference(text);
    expect(formatRegistryReference(parsed)).toBe(expected);
    expect(parseRegistryReference(familiarRegistryReference(parsed))).toEqual(parsed);
  });

  it.each([
    '',
    ':justtag',
    'repo@sha256:abc',
    'a'.repeat(64),
    'Uppercase:tag',
    'test:5000/Uppercase/lowercase:tag',
    'docker.io/Alpine',
    'aa/asdf$$^/aa',
    'a//b',
    'a/b/',
    '/a',
    '-foo/bar',
    'foo-/bar.x',
    'foo_bar.com/app',
    'a___b',
    'a..b',
    'a_.b',
    'app:',
    'app:-tag',
    `app:${'t'.repeat(129)}`,
    'app:a/b',
    `q.io/${'a'.repeat(256)}`,
    '[fe80::1%eth0]/app',
    'host:99999/app',
    'a'.repeat(5000),
    'app:tag\n',
    'äpp',
    'app:../../etc',
    '../app',
  ])('refuses %j', (text) => {
    let error: unknown;
    try {
      parseRegistryReference(text);
    } catch (caught) {
      error = caught;
    }
    expect(isBoxError(error)).toBe(true);
  });

  it('keeps the registry where the brief form would name a host', () => {
    const parsed = parseRegistryReference('docker.io/localhost/app');
    expect(familiarRegistryReference(parsed)).toBe('docker.io/localhost/app:latest');
  });

  it('proposes the lower-case name', () => {
    expect(() => parseRegistryReference('docker.io/Alpine')).toThrow(
      expect.objectContaining({ hint: 'Did you mean library/alpine?' }),
    );
  });

  it.each(['./image.tar', '../layout', '/srv/frozen'])('takes %s for a path', (text) => {
    expect(() => parseRegistryReference(text)).toThrow(
      expect.objectContaining({ message: expect.stringContaining('it is a path') as string }),
    );
  });

  it('refuses a user and a password without repeating them', () => {
    for (const text of ['me:secret@q.io/app:1', 'secret@q.io:5000/app']) {
      expect(() => parseRegistryReference(text)).toThrow(
        expect.objectContaining({
          code: 'ERR_BOX_REFERENCE_INVALID',
          message: expect.not.stringContaining('secret') as string,
        }),
      );
    }
  });
});
