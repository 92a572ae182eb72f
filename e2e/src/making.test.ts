import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  differences,
  ordinaryUser,
  readTree,
  requireTool,
  runCommand,
  temporaryDirectory,
  type Tree,
} from '@boxkit/testkit';
import { expect, inject, test } from 'vitest';
import { expectSuccess, registryHost, runBox } from './support/box.ts';

/** The tree that umoci unpacks of an image in a registry. */
async function umociTree(reference: string, work: string, name: string): Promise<Tree> {
  const layout = join(work, `${name}-layout`);
  const bundle = join(work, `${name}-bundle`);
  const quiet = ['--insecure-policy', 'copy', '-q', '--src-tls-verify=false'];
  await runCommand('skopeo', [...quiet, `docker://${reference}`, `oci:${layout}:x`]);
  await runCommand('umoci', ['unpack', '--image', `${layout}:x`, bundle]);
  return readTree(join(bundle, 'rootfs'));
}

/** Where podman or buildah, which share their storage, mount an image that they pulled; read while it is. */
async function readByPodman(reference: string, work: string, path: string): Promise<string> {
  const storage = [
    '--root',
    join(work, 'podman'),
    '--runroot',
    join(work, 'podman-run'),
    '--storage-driver',
    'overlay',
  ];
  await runCommand('podman', [...storage, 'pull', '-q', '--tls-verify=false', reference], { timeout: 120_000 });
  const { stdout } = await runCommand('podman', [...storage, 'image', 'mount', reference]);
  try {
    return await readFile(join(stdout.trim(), path), 'utf8');
  } finally {
    await runCommand('podman', [...storage, 'image', 'unmount', reference]);
    await runCommand('podman', [...storage, 'rmi', '-f', reference]);
  }
}

async function readByBuildah(reference: string, work: string, path: string): Promise<string> {
  const storage = [
    '--root',
    join(work, 'buildah'),
    '--runroot',
    join(work, 'buildah-run'),
    '--storage-driver',
    'overlay',
  ];
  const from = await runCommand('buildah', [...storage, 'from', '-q', '--tls-verify=false', reference]);
  const container = from.stdout.trim();
  const { stdout } = await runCommand('buildah', [...storage, 'mount', container]);
  try {
    return await readFile(join(stdout.trim(), path), 'utf8');
  } finally {
    await runCommand('buildah', [...storage, 'rm', container]);
    await runCommand('buildah', [...storage, 'rmi', '-f', reference]);
  }
}

const times = (lines: readonly string[]) => lines.filter((line) => !/^[^:]*: mtime/.test(line));

test.for(['umoci', 'skopeo-docker'])(
  'podman, buildah, skopeo and umoci take what is made of %s',
  async (base, context) => {
    const host = registryHost(context);
    requireTool(context, 'podman', 'buildah', 'skopeo', 'umoci');
    await using work = await temporaryDirectory('making');
    const box = async (...args: readonly string[]): Promise<void> => {
      expectSuccess(await runBox(work.path, args, { cwd: work.path }));
    };
    await mkdir(join(work.path, 'nix'));
    await writeFile(join(work.path, 'nix/hello'), 'hello\n');
    await box('layer', 'create', 'nix', '--at', '/nix', '-o', 'layer.tar');
    const made = (tag: string): string => `${host}/made-${base}:${tag}`;
    await box('append', `${host}/${base}`, 'layer.tar', '--tag', `docker://${made('appended')}`);
    await box('config', made('appended'), '--env', 'MADE=yes', '--tag', `docker://${made('configured')}`);
    await box('squash', made('configured'), '--last', '2', '--tag', `docker://${made('squashed')}`);
    await box('flatten', made('configured'), '--tag', `docker://${made('flat')}`);
    const original = await umociTree(made('appended'), work.path, 'appended');
    for (const tag of ['configured', 'squashed', 'flat']) {
      const reference = made(tag);
      const inspected = await runCommand('skopeo', [
        'inspect',
        '--config',
        '--tls-verify=false',
        `docker://${reference}`,
      ]);
      expect((JSON.parse(inspected.stdout) as { config: { Env: string[] } }).config.Env).toContain('MADE=yes');
      expect(times(differences(original, await umociTree(reference, work.path, tag)))).toEqual([]);
      expect(await readByPodman(reference, work.path, 'nix/hello')).toBe('hello\n');
      expect(await readByBuildah(reference, work.path, 'nix/hello')).toBe('hello\n');
    }
  },
);

test('an ordinary user loses no owner, device or xattr of an image that is made one layer', async (context) => {
  const host = registryHost(context);
  requireTool(context, 'skopeo', 'umoci');
  await using work = await temporaryDirectory('making');
  await using user = await ordinaryUser();
  const { packedBox } = inject('e2e');
  const flat = `${host}/made-by-user:flat`;
  const args = ['flatten', `${host}/built`, '--tag', `docker://${flat}`];
  expectSuccess(await user.attempt(packedBox, args, { timeout: 200_000 }));
  const [original, made] = [
    await umociTree(`${host}/built`, work.path, 'original'),
    await umociTree(flat, work.path, 'flat'),
  ];
  expect(times(differences(original, made))).toEqual([]);
});
