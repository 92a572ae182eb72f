import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { asOrdinaryUser, buildImage, buildLayer, findTool, writeOciLayout } from '@boxkit/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBox } from '../../index.ts';
import type { Box, BoxRunOptions } from '../../index.ts';

const root = process.geteuid?.() === 0;
const settings = (root ? ['unshare', 'bubblewrap', 'chroot'] : ['unshare', 'bubblewrap']).flatMap((isolation) =>
  ['overlay', 'merge'].map((rootfsDriver) => ({ isolation, rootfsDriver })),
);

describe('volumes', () => {
  let home: string;
  let box: Box;
  let reference: string;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'box-volumes-'));
    box = await createBox({ home: join(home, 'store') });
    const busybox = await readFile(findTool('busybox') ?? '/no/busybox');
    const applets = ['sh', 'cat', 'ls', 'stat', 'touch', 'grep', 'wc'];
    const layers = [
      buildLayer([
        { path: 'bin/busybox', content: busybox, mode: 0o755 },
        ...applets.map((name) => ({ path: `bin/${name}`, type: 'symlink' as const, link: 'busybox' })),
        { path: 'data', type: 'directory', mode: 0o2770, uid: 1000, gid: 77 },
        { path: 'etc', type: 'directory' },
        { path: 'data/gone', content: 'x' },
        { path: 'data/file', content: 'of the image', uid: 1000, gid: 77, mode: 0o640 },
        { path: 'link', type: 'symlink', link: '/data' },
        { path: 'out', type: 'symlink', link: '../../../../../../../../etc' },
      ]),
      buildLayer([{ path: 'data/.wh.gone' }, { path: 'data/deep/x', content: 'deep' }]),
    ];
    const image = buildImage({ layers, config: { Volumes: { '/data': {}, '/sys/fs/cgroup': {} } } });
    await writeOciLayout(join(home, 'image'), [{ document: image, name: 'v' }]);
    reference = `oci:${join(home, 'image')}:v`;
  });
  afterAll(async () => {
    await box[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  async function sh(script: string, options: BoxRunOptions): Promise<string> {
    await using container = await box.run(reference, { ...options, args: ['/bin/sh', '-c', script] });
    const [out, errors] = await Promise.all(
      [container.stdout, container.stderr].map((stream) => text(stream ?? Readable.from([]))),
    );
    const { code } = await container.exit;
    if (code !== 0) throw new Error(`${script}: ${code}: ${errors}`);
    return (out ?? '').trim();
  }

  it.each(settings)(
    'with a name are filled by the image once, and stay: $isolation, $rootfsDriver',
    async (setting) => {
      const name = `${setting.isolation}-${setting.rootfsDriver}`;
      const volumes = [{ name, target: '/data', readOnly: false }];
      const first = await sh('stat -c "%u:%g %a" /data /data/file; cat /data/file; touch /data/new', {
        ...setting,
        volumes,
      });
      // a single id shows every file as the caller's own
      const ids = root ? '1000:77' : /^\d+:\d+/.exec(first)?.[0];
      expect(first.split('\n')).toEqual([`${ids} 2770`, `${ids} 640`, 'of the image']);
      const readOnly = [{ name, target: '/elsewhere', readOnly: true }];
      const script = 'echo $(ls /elsewhere); touch /elsewhere/x 2>/dev/null || echo no';
      expect(await sh(script, { ...setting, volumes: readOnly })).toBe('deep file new\nno');
      expect(await box.store.volumes.remove(name)).toBe(true);
    },
  );

  it.each(settings)('that the image declares go with the container: $isolation, $rootfsDriver', async (setting) => {
    expect(await sh('echo $(ls /data); touch /data/x; grep -c " /data " /proc/mounts', setting)).toBe('deep file\n1');
    expect(await sh('echo $(ls /data)', setting)).toBe('deep file');
    expect(await readdir(join(box.home, 'containers'))).toEqual([]);
    expect(await box.store.volumes.list()).toEqual([]);
  });

  it('stay empty when asked, and where the image has nothing', async () => {
    const volumes = [
      { name: 'empty', target: '/data', readOnly: false, noCopy: true },
      { target: '/nothing/there', readOnly: false },
    ];
    expect(await sh('ls /data /nothing/there | grep -c file || true', { volumes })).toBe('0');
    expect(await box.store.volumes.remove('empty')).toBe(true);
  });

  it('are filled through a symlink of the image, and never with files of the host', async () => {
    const at = (target: string): BoxRunOptions => ({ volumes: [{ target, readOnly: false }], args: [] });
    expect(await sh('cat /link/file', at('/link'))).toBe('of the image');
    expect(await sh('ls /etc/passwd 2>/dev/null | wc -l', at('/out'))).toBe('0');
  });

  it('that a plan names are not made', async () => {
    const planned = await box.plan(reference, {
      args: ['/bin/sh'],
      volumes: [{ name: 'n', target: '/data', readOnly: true }],
    });
    expect(planned.bundle.mounts.map(({ target }) => target)).toEqual(['/data']);
    expect(await box.store.volumes.list()).toEqual([]);
  });

  it('leave no mount', () => {
    expect(execFileSync('cat', ['/proc/self/mounts'], { encoding: 'utf8' })).not.toContain(home);
  });
});

asOrdinaryUser(import.meta.url);
