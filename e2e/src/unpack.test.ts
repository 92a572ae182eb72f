import { join } from 'node:path';
import { compareTrees, runCommand, temporaryDirectory } from '@boxkit/testkit';
import { expect, test } from 'vitest';
import { expectSuccess, registryHost, runBox } from './support/box.ts';
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
