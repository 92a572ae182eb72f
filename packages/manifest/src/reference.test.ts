import { describe, expect, it } from 'vitest';
import { parseReference } from './reference.ts';

describe('parseReference', () => {
  it.each([
    ['alpine', 'docker', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['docker://alpine', 'docker', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['docker://q.io/app:1', 'docker', 'q.io/app:1', 'q.io/app:1'],
    ['docker:27', 'docker', 'docker.io/library/docker:27', 'docker:27'],
    ['docker://oci:latest', 'docker', 'docker.io/library/oci:latest', 'docker.io/library/oci:latest'],
    ['oci:some/dir:tag', 'oci', 'some/dir:tag', 'oci:some/dir:tag'],
    ['docker-archive:/tmp/x.tar', 'docker-archive', '/tmp/x.tar', 'docker-archive:/tmp/x.tar'],
    ['host:sh,ls', 'host', 'sh,ls', 'host:sh,ls'],
    ['my-name:tag', 'docker', 'docker.io/library/my-name:tag', 'my-name:tag'],
  ])('reads %s', (text, scheme, location, brief) => {
    const reference = parseReference(text);
    expect(reference).toMatchObject({ scheme, location, text: brief });
    expect(parseReference(reference.text)).toEqual(reference);
  });

  it('asks detect for a text without scheme, and normalize for its location', () => {
    const reference = parseReference('./layout', {
      detect: (text) => (text.startsWith('./') ? 'oci' : undefined),
      normalize: (_scheme, location) => `/work/${location.slice(2)}`,
    });
    expect(reference).toEqual({ scheme: 'oci', location: '/work/layout', text: 'oci:/work/layout' });
  });

  it.each(['docker-daemon:alpine:latest', 'containers-storage:alpine', 'ftp://host/app', 'https://q.io/app'])(
    'says that no source has the scheme of %s',
    (text) => {
      expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'ERR_BOX_SOURCE_UNKNOWN' }));
    },
  );

  it.each(['oci:', 'docker://', '', 'a\0b'])('refuses %j', (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'ERR_BOX_REFERENCE_INVALID' }));
  });

  it('knows only the schemes it is told', () => {
    expect(parseReference('oci:v1', { schemes: ['docker'] }).location).toBe('docker.io/library/oci:v1');
  });

  it('keeps a pinned digest', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(parseReference(`app:1@${digest}`).digest).toBe(digest);
  });
});
