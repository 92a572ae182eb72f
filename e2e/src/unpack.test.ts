import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import {
  compareTrees,
  differences,
  ordinaryUser,
  readTree,
  runCommand,
  temporaryDirectory,
  type Tree,
  type TreeEntry,
} from '@boxkit/testkit';
import { expect, test } from 'vitest';
import { boxPath, expectSuccess, registryHost, runBox } from './support/box.ts';
import { repositories, skopeoCopy } from './support/images.ts';

test.for(repositories)('the image %s unpacks to the tree that umoci makes', async (repository, context) => {
  const host = registryHost(context);
  await using work = await temporaryDirectory('unpack');
  const started = Date.now() - 5000;
  const layout = join(work.path, 'layout');
  await skopeoCopy(`docker://${host}/${repository}:latest`, `oci:${layout}:latest`);
  await runCommand('umoci', ['unpack', '--image', `${layout}:latest`, join(work.path, 'bundle')]);

  const unpacked = join(work.path, 'my_pod');
  const result = await runBox(work.path, ['unpack', `${host}/${repository}`, unpacked]);
  expectSuccess(result);
  const differences = await compareTrees(join(work.path, 'bundle/rootfs'), unpacked);
  expect(differences.filter((line) => !isUnsaid(line, started))).toEqual([]);
});

test.for(['umoci', 'buildah', 'built', 'debian'])(
  'the image %s, unpacked by a user with one id, is the tree that umoci makes without root, and devices are told of',
  async (repository, context) => {
    const host = registryHost(context);
    await using work = await temporaryDirectory('unpack');
    await chmod(work.path, 0o755);
    await using user = await ordinaryUser();
    const started = Date.now() - 5000;
    const layout = join(work.path, 'layout');
    await skopeoCopy(`docker://${host}/${repository}:latest`, `oci:${layout}:latest`);
    const [ours, theirs] = [join(user.home, 'ours'), join(user.home, 'theirs')];
    await user.run('umoci', ['raw', 'unpack', '--rootless', '--image', `${layout}:latest`, theirs]);
    const env = { BOX_HOME: join(user.home, 'box') };
    const result = await user.attempt(boxPath, ['unpack', '-q', `oci:${layout}:latest`, ours], { env });
    expectSuccess(result);

    const made = await readTree(ours);
    const { tree, devices } = withoutStandIns(await readTree(theirs), made);
    expect(differences(tree, made).filter((line) => !isUnsaid(line, started))).toEqual([]);
    const told = /device nodes need root: .*?(?: \((\d+) entries\))?$/m.exec(result.stderr);
    expect(told === null ? 0 : Number(told[1] ?? 1)).toBe(devices);
  },
);

test('the same image from the registry, from an OCI layout and from a docker archive is the same tree', async (context) => {
  const host = registryHost(context);
  await using work = await temporaryDirectory('unpack');
  const [layout, archive] = [join(work.path, 'layout'), join(work.path, 'saved.tar')];
  await skopeoCopy(`docker://${host}/umoci:latest`, `oci:${layout}:latest`);
  await skopeoCopy(`docker://${host}/umoci:latest`, `docker-archive:${archive}:me/umoci:1`);
  const references = [`${host}/umoci`, `oci:${layout}:latest`, `docker-archive:${archive}`, archive];
  const trees: string[] = [];
  for (const [at, reference] of references.entries()) {
    const tree = join(work.path, `tree-${at}`);
    expectSuccess(await runBox(work.path, ['unpack', reference, tree]));
    trees.push(tree);
  }
  for (const tree of trees.slice(1)) {
    const differences = await compareTrees(trees[0] ?? '', tree);
    expect(differences.filter((line) => !line.startsWith('.: mtime '))).toEqual([]);
  }
});

test('a directory that holds something is refused and left alone', async (context) => {
  const host = registryHost(context);
  await using work = await temporaryDirectory('unpack');
  const result = await runBox(work.path, ['unpack', `${host}/umoci`, work.path]);
  expect(result.code).toBe(1);
  expect(result.stderr).toContain('ERR_BOX_DIRECTORY_NOT_EMPTY');
});

/** The time of a directory of which the image says nothing: umoci leaves that of unpacking it, or 1970 for the root. */
function isUnsaid(difference: string, started: number): boolean {
  const umoci = /: mtime "(\d+)" and /.exec(difference)?.[1];
  return umoci !== undefined && (umoci === '0' || Number(umoci) / 1e6 > started);
}

/** What umoci makes for want of root: owners in an xattr of its own, and empty files for devices, which box leaves out. */
function withoutStandIns(theirs: Tree, ours: Tree): { readonly tree: Tree; readonly devices: number } {
  const tree = new Map<string, TreeEntry>();
  for (const [path, { xattrs, ...entry }] of theirs) {
    if (!ours.has(path) && entry.size === '0') continue;
    const kept = Object.entries(xattrs).filter(([name]) => name !== 'user.rootlesscontainers');
    tree.set(path, { ...entry, xattrs: Object.fromEntries(kept) });
  }
  return { tree, devices: theirs.size - tree.size };
}
