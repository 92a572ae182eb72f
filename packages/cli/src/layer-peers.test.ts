import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compareTrees, requireRoot, requireTool, runCommand, temporaryDirectory } from '@boxkit/testkit';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';

const binary = join(import.meta.dirname, '../bin/box');

/** A tree, and what became of it: all that a layer can say. */
const make = `
  mkdir -p before/etc before/usr/lib before/many before/replaced before/kept/deep
  echo a > before/etc/same; echo a > before/etc/edited; echo a > before/etc/gone; echo a > before/etc/mode
  ln before/etc/same before/usr/lib/hard; ln -s lib before/usr/lib64; touch before/many/1 before/many/2 before/many/3
  echo x > before/replaced/file; echo x > before/becomes-directory; mkdir before/becomes-file; echo x > before/becomes-file/x
  setfattr -n user.note -v old before/etc/mode; chown 7:8 before/kept; mkfifo before/pipe
  touch -d '2001-02-03 04:05:06.5 UTC' before/etc/* before/kept before/usr/lib
  cp -a before after
  echo bb > after/etc/edited; rm after/etc/gone after/many/*; chmod 4711 after/etc/mode; setfattr -n user.note -v new after/etc/mode
  touch -d '2001-02-03 04:05:06.5 UTC' after/etc/edited; rm after/becomes-directory; mkdir after/becomes-directory
  rm -r after/becomes-file; echo y > after/becomes-file; rm -r after/replaced; mkdir after/replaced; echo n > after/replaced/new
  ln after/etc/edited after/usr/lib/edited; rm after/usr/lib64; ln -s other after/usr/lib64; mknod after/null c 1 3
  echo cap > after/cap; setcap cap_net_raw+ep after/cap; chown 9:9 after/kept/deep; printf x > "after/$(printf 'n\\303\\266')"
  mkdir -p "after/$(printf '%0120d' 1)/$(printf '%0120d' 2)"`;

describe('layers that box makes', () => {
  let work: Awaited<ReturnType<typeof temporaryDirectory>>;
  const at = (name: string): string => join(work.path, name);
  const box = (...args: readonly string[]) =>
    runCommand(binary, args, { cwd: work.path, env: { ...process.env, BOX_HOME: at('home') } });
  beforeAll(async () => {
    work = await temporaryDirectory('peers');
    if (process.getuid?.() !== 0) return;
    await runCommand('sh', ['-ec', make], { cwd: work.path });
    await box('layer', 'create', 'before', '--owner', 'keep', '-o', 'base.tar.gz');
    await box('layer', 'diff', 'before', 'after', '-o', 'diff.tar.gz');
    await box('import', '-q', 'base.tar.gz', 'base');
    await box('append', '-q', 'base', 'diff.tar.gz', '--tag', 'after');
    await box('copy', '-q', 'after', `oci:${at('layout')}:after`);
    await box('save', '-q', 'after', '-o', 'after.tar');
  });
  afterAll(() => work[Symbol.asyncDispose]());

  /** The root is as new as its unpacking, and no peer dates directories that a layer has not. */
  async function expectAfter(tree: string): Promise<void> {
    const differences = await compareTrees(tree, at('after'));
    expect(differences.filter((line) => !line.startsWith('.:'))).toEqual([]);
  }
  const needs = (context: TestContext, ...tools: readonly string[]): void => {
    requireRoot(context);
    requireTool(context, 'setfattr', 'setcap', ...tools);
  };

  test('are unpacked by box to the tree that they were made of', async (context) => {
    needs(context);
    await box('unpack', '-q', 'after', 'unpacked');
    await expectAfter(at('unpacked'));
  });

  test('are unpacked by umoci to the tree that they were made of', async (context) => {
    needs(context, 'umoci');
    await runCommand('umoci', ['unpack', '--image', `${at('layout')}:after`, at('bundle')]);
    await expectAfter(at('bundle/rootfs'));
  });

  test('are copied by skopeo, digests and all', async (context) => {
    needs(context, 'skopeo');
    const [from, to] = [`oci:${at('layout')}:after`, `oci:${at('again')}:after`];
    const skopeo = async (...args: readonly string[]) =>
      (await runCommand('skopeo', ['--insecure-policy', ...args])).stdout;
    await skopeo('copy', '-q', '--preserve-digests', from, to);
    expect(await skopeo('inspect', '--raw', to)).toBe(await skopeo('inspect', '--raw', from));
    await skopeo('copy', '-q', from, `docker-archive:${at('saved.tar')}`);
  });

  test.for(['podman', 'buildah'])(
    'are taken by %s, and its containers see the tree that they were made of',
    async (tool, context) => {
      needs(context, tool);
      await mkdir(at(tool));
      const storage = ['--storage-driver', 'vfs', '--root', at(`${tool}/root`), '--runroot', at(`${tool}/run`)];
      const run = async (...args: readonly string[]) => (await runCommand(tool, [...storage, ...args])).stdout.trim();
      await run('pull', '-q', `docker-archive:${at('after.tar')}`);
      const [image = ''] = (await run('images', '-q', '--no-trunc')).split('\n');
      if (tool === 'podman') {
        await expectAfter(await run('image', 'mount', image));
        await run('image', 'umount', image);
      } else {
        const container = await run('from', '--pull-never', image);
        await expectAfter(await run('mount', container));
        await run('umount', container);
      }
      execFileSync('rm', ['-rf', at(tool)]);
    },
  );

  test('have the size of what differs, as the layers of umoci have', async (context) => {
    needs(context, 'umoci');
    await runCommand('umoci', ['unpack', '--image', `${at('layout')}:after`, at('edited')]);
    await runCommand('sh', ['-ec', 'rm etc/same; echo n > etc/new'], { cwd: at('edited/rootfs') });
    await runCommand('umoci', ['repack', '--image', `${at('layout')}:umoci`, at('edited')]);
    await box('layer', 'diff', 'after', 'edited/rootfs', '-o', 'small.tar');
    const { stdout: own } = await runCommand('tar', ['-tf', 'small.tar'], { cwd: work.path });
    await box('copy', '-q', `oci:${at('layout')}:umoci`, 'umoci');
    const { stdout } = await box('tree', '-q', '--layer', '2', 'umoci');
    for (const name of ['same', 'new']) expect([own.includes(name), stdout.includes(name)]).toEqual([true, true]);
    expect(
      own
        .split('\n')
        .filter((name) => !name.endsWith('/'))
        .toSorted(),
    ).toEqual(['', 'etc/.wh.same', 'etc/new']);
  });
});
