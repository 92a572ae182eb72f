import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compareTrees, ordinaryUser, runCommand, temporaryDirectory } from '@boxkit/testkit';
import { beforeAll, expect, inject, test } from 'vitest';
import { boxPath, expectSuccess, registryHost, runBox } from './support/box.ts';
import { skopeoCopy } from './support/images.ts';

/** An image made by buildah, and the same with Docker's manifest. (podman 4.3 cannot apply that of umoci.) */
const repositories = ['buildah', 'buildah-v2s2'] as const;

beforeAll(async () => {
  const { host } = inject('e2e');
  if (host === '') return;
  await skopeoCopy(`docker://${host}/buildah`, `docker://${host}/buildah-v2s2`, ['--format', 'v2s2']);
});

/** podman or buildah with storage of the test's own. */
function storage(tool: string, work: string): (...args: readonly string[]) => Promise<string> {
  const places = ['--root', join(work, 'root'), '--runroot', join(work, 'run'), '--storage-driver', 'vfs'];
  return async (...args) => (await runCommand(tool, [...places, ...args])).stdout.trim();
}

/** Differences but for times of directories that no layer names, and the mode of the root, which podman makes 0555. */
async function differences(one: string, other: string): Promise<readonly string[]> {
  return (await compareTrees(one, other)).filter((line) => !/: mtime |^\.: mode /.test(line));
}

async function digestOf(reference: string): Promise<string> {
  const args = ['inspect', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${reference}`];
  return (await runCommand('skopeo', args)).stdout.trim();
}

test.for(repositories)('podman loads what box saves of %s, to the same tree', async (repository, context) => {
  const host = registryHost(context);
  await using work = await temporaryDirectory('transfer');
  const name = `${host}/${repository}:latest`;
  expectSuccess(await runBox(work.path, ['pull', name]));
  expectSuccess(await runBox(work.path, ['unpack', name, join(work.path, 'tree')]));
  const podman = storage('podman', work.path);
  for (const format of ['docker', 'oci']) {
    const file = join(work.path, `${format}.tar`);
    expectSuccess(await runBox(work.path, ['save', '--format', format, name, '-o', file]));
    expect(await podman('load', '-q', '-i', file)).toContain(name);
    const mounted = await podman('image', 'mount', name);
    expect(await differences(join(work.path, 'tree'), mounted)).toEqual([]);
    await podman('image', 'umount', name);
    await podman('rmi', '-f', name);
  }
});

test.for(repositories)('buildah, skopeo and umoci take what box writes of %s', async (repository, context) => {
  const host = registryHost(context);
  await using work = await temporaryDirectory('transfer');
  const at = (name: string): string => join(work.path, name);
  const name = `${host}/${repository}:latest`;
  expectSuccess(await runBox(work.path, ['unpack', name, at('tree')]));
  for (const to of ['docker-archive:a.tar', 'oci-archive:o.tar:1', 'oci:layout:1', 'dir:dir']) {
    const [scheme = '', place = ''] = to.split(/:(.*)/);
    expectSuccess(await runBox(work.path, ['copy', name, `${scheme}:${at(place)}`]));
  }
  await runCommand('umoci', ['unpack', '--image', at('layout:1'), at('bundle')]);
  expect(await differences(at('tree'), at('bundle/rootfs'))).toEqual([]);
  const buildah = storage('buildah', work.path);
  for (const source of [`docker-archive:${at('a.tar')}`, `oci-archive:${at('o.tar')}:1`, `dir:${at('dir')}`]) {
    const container = await buildah('from', '--pull-never=false', source);
    expect(await differences(at('tree'), await buildah('mount', container))).toEqual([]);
    await buildah('rm', container);
    await mkdir(at('copies'), { recursive: true });
    await skopeoCopy(source, `dir:${at('copies')}`);
  }
  await buildah('rmi', '-af');
});

test('box loads what podman and skopeo save, and the image ID stays', async (context) => {
  const host = registryHost(context);
  await using work = await temporaryDirectory('transfer');
  const at = (name: string): string => join(work.path, name);
  const source = `docker://${host}/buildah-v2s2:latest`;
  await skopeoCopy(source, `docker-archive:${at('skopeo.tar')}:a.test/skopeo:1`);
  await skopeoCopy(source, `oci-archive:${at('skopeo.oci.tar')}:a.test/skopeo-oci:1`);
  const podman = storage('podman', work.path);
  await podman('pull', '-q', '--tls-verify=false', `${host}/buildah-v2s2`);
  await podman('tag', `${host}/buildah-v2s2`, 'a.test/podman:1');
  await podman('save', '-q', '-o', at('podman.tar'), 'a.test/podman:1');
  await podman('save', '-q', '--format', 'oci-archive', '-o', at('podman.oci.tar'), 'a.test/podman:1');
  await podman('rmi', '-af');
  const loaded: string[] = [];
  for (const file of ['skopeo.tar', 'skopeo.oci.tar', 'podman.tar', 'podman.oci.tar']) {
    const result = await runBox(work.path, ['load', '-q', at(file)]);
    expectSuccess(result);
    loaded.push(...result.stdout.trim().split('\n'));
  }
  expect([...new Set(loaded)].sort()).toEqual(['a.test/podman:1', 'a.test/skopeo-oci:1', 'a.test/skopeo:1']);
  const configs = new Set<string>();
  for (const name of loaded) {
    const { stdout } = await runBox(work.path, ['inspect', '--json', name]);
    const [{ config }] = JSON.parse(stdout) as [{ config: { digest: string } }];
    configs.add(config.digest);
  }
  expect(configs.size).toBe(1);
});

test('what is pushed has the digests that it had, for skopeo and for another box, which runs it', async (context) => {
  const host = registryHost(context);
  await using here = await temporaryDirectory('here');
  await using there = await temporaryDirectory('there');
  for (const repository of repositories) {
    const [from, to] = [`${host}/${repository}:latest`, `${host}/pushed/${repository}:1`];
    expectSuccess(await runBox(here.path, ['pull', from]));
    const pushed = await runBox(here.path, ['push', '-q', from, to]);
    expectSuccess(pushed);
    expect(pushed.stdout.trim()).toBe(await digestOf(from));
    expect(await digestOf(to)).toBe(await digestOf(from));
    const ran = await runBox(there.path, ['run', '--rm', '-q', to, '--', 'true']);
    expectSuccess(ran);
  }
});

test('an ordinary user copies, saves, loads and pushes as well', async (context) => {
  const host = registryHost(context);
  await using user = await ordinaryUser();
  const box = async (...args: readonly string[]): Promise<string> => {
    const result = await user.attempt(boxPath, args, { env: { BOX_HOME: join(user.home, 'box') } });
    expectSuccess(result);
    return result.stdout.trim();
  };
  const digest = await digestOf(`${host}/buildah:latest`);
  expect(await box('copy', '-q', `docker://${host}/buildah`, 'mine:1')).toBe(digest);
  await box('save', '-q', 'mine:1', '-o', join(user.home, 'mine.tar'));
  expect(await box('load', '-q', '-t', 'again:1', join(user.home, 'mine.tar'))).toBe('again:1');
  expect(await box('push', '-q', 'again:1', `${host}/by-user/app:1`)).toBe(digest);
  expect(await box('copy', '-q', 'again:1', `oci:${join(user.home, 'layout')}:1`)).toBe(digest);
  await user.run('umoci', ['unpack', '--rootless', '--image', join(user.home, 'layout:1'), join(user.home, 'bundle')]);
});
