import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SuiteContext } from './suite-context.ts';

/** What the container sees: the image, the standard devices, what was mounted, and nothing else. */
export function fileTests(context: SuiteContext): void {
  describe('the files', () => {
    test('are those of the image and none of the host', async () => {
      const seen = await context.harness.sh(`ls /; test -e '${context.harness.directory}' || echo hidden`);
      expect(seen.split('\n')).toContain('hidden');
      expect(seen.split('\n')).not.toContain('usr');
    });

    test('of /dev are the standard ones', async () => {
      const nodes = await context.harness.sh('ls /dev');
      expect(nodes.split('\n').filter((name) => !['core', 'console'].includes(name))).toEqual(
        'fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero'.split(' '),
      );
      const script =
        'echo x > /dev/null; head -c 3 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c; echo y > /dev/shm/y';
      expect(await context.harness.sh(script)).toBe('3\n3');
      expect(await context.harness.sh('echo y > /dev/null; stat -c %a /dev/null', { user: '1000' })).toBe('666');
    });

    test('of /sys and /proc/sys cannot be written', async () => {
      const script = 'echo x > /proc/sys/kernel/hostname || echo no; echo x > /sys/kernel/profiling || echo no';
      expect(await context.harness.sh(`(${script}) 2>/dev/null`)).toBe('no\nno');
    });

    test('that tell about the host are masked', async () => {
      expect(await context.harness.sh('cat /proc/timer_list /proc/keys /proc/kcore | wc -c')).toBe('0');
    });

    test('of a read-only rootfs cannot be written, those of /tmp can when mounted', async () => {
      const mounts = [{ type: 'tmpfs', target: '/tmp', readOnly: false, options: ['size=1m'] }] as const;
      const script = 'touch /x 2>/dev/null || echo no; touch /tmp/x && echo yes; grep -c " / .*ro," /proc/mounts';
      expect(await context.harness.sh(script, { readOnly: true, mounts })).toBe('no\nyes\n1');
    });

    test('of a volume are the host’s, and read-only when asked', async () => {
      const { harness } = context;
      const source = join(harness.directory, 'vol ume');
      await mkdir(source, { recursive: true });
      await writeFile(join(source, 'file'), 'from the host');
      const volume = (readOnly: boolean) => [{ type: 'bind', source, target: '/mnt/deep/vol', readOnly }] as const;
      expect(await harness.sh('cat /mnt/deep/vol/file; echo in > /mnt/deep/vol/made', { mounts: volume(false) })).toBe(
        'from the host',
      );
      expect(await readFile(join(source, 'made'), 'utf8')).toBe('in\n');
      const refused = 'touch /mnt/deep/vol/x 2>/dev/null || echo no';
      expect(await harness.sh(refused, { mounts: volume(true) })).toBe('no');
    });

    test('of a volume are no programs when that is asked for', async () => {
      const { harness } = context;
      const source = join(harness.directory, 'programs');
      await mkdir(source);
      await copyFile(join(harness.root, 'bin/busybox'), join(source, 'true'));
      const volume = (...options: readonly string[]) =>
        ({ mounts: [{ type: 'bind', source, target: '/programs', readOnly: false, options }] }) as const;
      const script = '(/programs/true && echo executed) 2>/dev/null; grep -c " /programs .*nosuid" /proc/mounts';
      expect(await harness.attempt(script, volume())).toMatch(/^executed/);
      expect(await harness.attempt(script, volume('nosuid', 'noexec'))).toBe('1');
      expect(await harness.attempt(script, volume('noatime'))).toBe('ERR_BOX_USAGE');
    });

    test('may be a single one of the host', async () => {
      const { harness } = context;
      const source = join(harness.directory, 'single');
      await writeFile(source, 'one');
      const mounts = [{ type: 'bind', source, target: '/etc/single', readOnly: true }] as const;
      expect(await harness.sh('cat /etc/single', { mounts })).toBe('one');
    });

    test('of a volume that does not exist are an error', async () => {
      const mounts = [{ type: 'bind', source: '/no/such/source', target: '/mnt', readOnly: true }] as const;
      await expect(context.harness.run(['true'], { mounts })).rejects.toMatchObject({
        code: 'ERR_BOX_CONTAINER_SETUP',
      });
    });

    test('cannot be mounted over /proc or the root', async () => {
      for (const target of ['/', '/proc', '/proc/sys', '/sys', '/dev', 'relative']) {
        const mounts = [{ type: 'tmpfs', target, readOnly: false }] as const;
        await expect(context.harness.run(['true'], { mounts })).rejects.toMatchObject({
          code: 'ERR_BOX_CONTAINER_SETUP',
        });
      }
    });

    test('of /etc that name the container lie on what is mounted there', async () => {
      const mounts = [{ type: 'tmpfs', target: '/etc', readOnly: false }] as const;
      const request = { mounts, dns: ['192.0.2.1'] };
      expect(await context.harness.sh('ls /etc', request)).toBe('hostname\nhosts\nresolv.conf');
    });

    test('of /etc name the container, whatever symlinks the image has there', async () => {
      const { harness } = context;
      const rootfs = await harness.rootfs({ overlay: true });
      if (rootfs.kind !== 'overlay') throw new Error('an overlay was asked for');
      await mkdir(join(rootfs.upper, 'etc'), { recursive: true });
      await symlink(join(harness.directory, 'victim'), join(rootfs.upper, 'etc/hosts'));
      await symlink('/etc/missing/resolv.conf', join(rootfs.upper, 'etc/resolv.conf'));
      await writeFile(join(harness.directory, 'victim'), 'untouched');
      const output = await harness.sh('cat /etc/hosts; cat /etc/resolv.conf', {
        rootfs,
        addHosts: [{ host: 'friend', address: '10.0.0.9' }],
        dns: ['192.0.2.1'],
      });
      expect(output).toContain('10.0.0.9\tfriend');
      expect(output).toContain('nameserver 192.0.2.1');
      expect(await readFile(join(harness.directory, 'victim'), 'utf8')).toBe('untouched');
    });
  });
}
