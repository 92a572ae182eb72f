import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SuiteContext } from './suite-context.ts';

/** What an image may hold or say to be led out, or to lead what is mounted astray. */
export function imageAttacks(context: SuiteContext): void {
  test.each([
    ...['/proc/self/fd/3', '/proc/self/fd/5', '/proc/self/fd/8', '/proc/thread-self/fd/7', '/dev/fd/6'],
    ...['/proc/1/cwd/..', '/proc/self/root/../..'],
    // what the image says it is
    '/link',
  ])('the working directory %s does not lead out', async (workdir) => {
    const { harness } = context;
    const rootfs = await harness.rootfs({ overlay: true });
    if (rootfs.kind === 'overlay') await symlink('/proc/self/fd/8', join(rootfs.upper, 'link'));
    const script = `ls '${harness.directory}'; ls -d '../${harness.directory}'`;
    expect(['', 'ERR_BOX_CONTAINER_SETUP']).toContain(await harness.attempt(script, { rootfs, workdir }));
  });

  test.each(['/dev', '/proc', '/sys'])(
    'a volume that a symlink of the image leads to %s uncovers nothing that is hidden there',
    async (directory) => {
      const { harness } = context;
      const source = join(harness.directory, `for ${directory.slice(1)}`);
      await mkdir(source);
      // what is hidden is hidden by /dev/null
      await symlink('/proc/keys', join(source, 'null'));
      const rootfs = await harness.rootfs({ overlay: true });
      if (rootfs.kind === 'overlay') await symlink(directory, join(rootfs.upper, 'link'));
      const mounts = [{ type: 'bind', source, target: '/link', readOnly: false }] as const;
      const script = 'cat /proc/keys /proc/timer_list; f=/proc/sys/kernel/core_pattern; cat $f > $f && echo written';
      expect(['', 'ERR_BOX_CONTAINER_SETUP']).toContain(await harness.attempt(script, { rootfs, mounts }));
    },
  );

  test.each(['proc', 'dev'])('a symlink in the place of /%s is refused, and nothing is made outside', async (name) => {
    const { harness } = context;
    const rootfs = await harness.rootfs();
    if (rootfs.kind !== 'directory') throw new Error('a directory was asked for');
    const path = join(harness.directory, `evil ${name}`);
    await mkdir(join(path, 'bin'), { recursive: true });
    await symlink('../../outside-of-it', join(path, name));
    await expect(harness.run(['/bin/true'], { rootfs: { ...rootfs, path } })).rejects.toMatchObject({
      code: 'ERR_BOX_CONTAINER_SETUP',
    });
    expect(existsSync(join(harness.directory, '../outside-of-it'))).toBe(false);
    await rm(path, { recursive: true });
  });

  test('a symlink in the place of a volume’s target stays inside', async () => {
    const { harness } = context;
    const outside = join(harness.directory, 'not mounted on');
    await mkdir(outside);
    const rootfs = await harness.rootfs({ overlay: true });
    if (rootfs.kind !== 'overlay') throw new Error('an overlay was asked for');
    await symlink(outside, join(rootfs.upper, 'link'));
    const mounts = [{ type: 'tmpfs', target: '/link', readOnly: false }] as const;
    expect(['made', 'ERR_BOX_CONTAINER_SETUP']).toContain(
      await harness.attempt('touch /link/x && echo made', { rootfs, mounts }),
    );
    expect(await readdir(outside)).toEqual([]);
  });
}
