import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  buildImage,
  buildLayer,
  digestOf,
  freePort,
  ordinaryUser,
  pushDocument,
  requireRoot,
  startFaultyRegistry,
  startRegistry,
  temporaryDirectory,
  tryCommand,
} from '@boxkit/testkit';
import type { CommandResult, FaultRule, FaultyRegistry, ImageParts, Registry } from '@boxkit/testkit';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { boxPath, expectSuccess, runBox } from './support/box.ts';
import { root } from './support/packed-cli.ts';

const layers = [buildLayer([{ path: 'file', content: 'good' }]), buildLayer([{ path: 'other', content: 'good too' }])];
let registry: Registry;
let faulty: FaultyRegistry;

beforeAll(async () => {
  registry = await startRegistry();
  faulty = await startFaultyRegistry({ upstream: registry.url });
  await pushDocument(registry, 'good', buildImage({ layers }), 'latest');
});

afterAll(async () => {
  await faulty[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

/** One error, typed, with a hint, without a stack. */
function expectError(result: CommandResult, code: string, status = 1): void {
  expect(result.stderr).toContain(`code: ${code}`);
  expect(result.stderr).toContain('hint: ');
  expect(result.stderr.match(/^box: error: /gm)).toHaveLength(1);
  expect(result.stderr).not.toMatch(/^\s+at /m);
  expect(result.code).toBe(status);
}

/** What the store holds that a later command would use. */
async function storeContents(home: string): Promise<Record<string, string>> {
  const kept = globSync('box/{blobs,layers,images,rootfs,containers}/**/*', { cwd: home, withFileTypes: true });
  const files = kept.filter((entry) => entry.isFile() && !/partial|lock/.test(entry.parentPath + entry.name));
  const contents: Record<string, string> = {};
  for (const file of files) {
    const bytes = await readFile(join(file.parentPath, file.name));
    contents[join(file.parentPath, file.name)] = createHash('sha256').update(bytes).digest('hex');
  }
  return contents;
}

async function expectPullToFail(reference: string, code: string, script: readonly FaultRule[] = []): Promise<void> {
  await using work = await temporaryDirectory('bad');
  await faulty.setScript(script);
  expectSuccess(await runBox(work.path, ['pull', `${registry.host}/good`]));
  const before = await storeContents(work.path);
  expectError(await runBox(work.path, ['pull', reference]), code);
  const after = Object.entries(await storeContents(work.path)).filter(([path]) => !path.includes('/blobs/'));
  expect(Object.fromEntries(after)).toEqual(
    Object.fromEntries(Object.entries(before).filter(([path]) => !path.includes('/blobs/'))),
  );
}

const always = { times: Number.POSITIVE_INFINITY } as const;

test('a reference that is none', () => expectPullToFail('Not A Reference!', 'ERR_BOX_REFERENCE_INVALID'));

test('a scheme that no source has', () => expectPullToFail('gopher://x/y', 'ERR_BOX_SOURCE_UNKNOWN'));

test('a repository that there is not', () => expectPullToFail(`${registry.host}/no/such`, 'ERR_BOX_IMAGE_NOT_FOUND'));

test('a tag that there is not', () => expectPullToFail(`${registry.host}/good:nope`, 'ERR_BOX_IMAGE_NOT_FOUND'));

test('a port where nobody listens', async () => {
  await expectPullToFail(`127.0.0.1:${await freePort()}/x`, 'ERR_BOX_REGISTRY_UNREACHABLE');
});

test('a host that there is not', () => expectPullToFail('no-such-host.invalid/x', 'ERR_BOX_REGISTRY_UNREACHABLE'));

test('a registry that wants credentials', async () => {
  await using guarded = await startRegistry({ auth: 'htpasswd' });
  await expectPullToFail(`${guarded.host}/x`, 'ERR_BOX_REGISTRY_UNAUTHORIZED');
});

test('a registry that forbids', () =>
  expectPullToFail(`${faulty.host}/good`, 'ERR_BOX_REGISTRY_DENIED', [
    { ...always, match: { kind: 'manifest' }, fault: { kind: 'status', status: 403 } },
  ]));

test.for([
  ['a blob with a wrong byte', 'ERR_BOX_DIGEST_MISMATCH', { kind: 'corrupt', at: 40 }],
  ['a blob that is too long', 'ERR_BOX_SIZE_MISMATCH', { kind: 'body', body: 'x'.repeat(5000) }],
] as const)('%s', async ([, code, fault]) => {
  const image = buildImage({ layers: [buildLayer([{ path: 'unseen', content: code }])] });
  await pushDocument(registry, 'harmed', image, 'latest');
  await expectPullToFail(`${faulty.host}/harmed`, code, [{ ...always, match: { kind: ['blob', 'storage'] }, fault }]);
});

test.for<readonly [string, string, Partial<ImageParts>]>([
  ['a diffID that is wrong', 'ERR_BOX_DIFFID_MISMATCH', { configOverride: wrongDiffIds() }],
  [
    'fewer diffIDs than layers',
    'ERR_BOX_DOCUMENT_INVALID',
    { configOverride: { rootfs: { type: 'layers', diff_ids: [] } } },
  ],
])('%s', async ([name, code, wrong]) => {
  const repository = name.replaceAll(' ', '-').toLowerCase();
  await pushDocument(registry, repository, buildImage({ layers, ...wrong }), 'latest');
  await using work = await temporaryDirectory('bad');
  expectError(await runBox(work.path, ['unpack', `${registry.host}/${repository}`, join(work.path, 'tree')]), code);
  expect(globSync('tree/**', { cwd: work.path }).filter((path) => path !== 'tree')).toEqual([]);
  expect(globSync('box/{layers,rootfs}/*/*', { cwd: work.path })).toEqual([]);
});

test.for(['{}', '[]', 'null', '<html></html>', '{"schemaVersion":2}', '{"schemaVersion":1,"fsLayers":[]}'])(
  'a manifest that is %s',
  async (body) => {
    const contentType = 'application/vnd.oci.image.manifest.v1+json';
    await using work = await temporaryDirectory('bad');
    await faulty.setScript([{ ...always, match: { kind: 'manifest' }, fault: { kind: 'body', body, contentType } }]);
    const result = await runBox(work.path, ['pull', `${faulty.host}/good`]);
    expect(result.stderr).toMatch(/code: ERR_BOX_DOCUMENT_(INVALID|UNSUPPORTED)/);
    expect(result.code).toBe(1);
    expect(await storeContents(work.path)).not.toHaveProperty('images');
  },
);

test('a backend that there is not', async () => {
  await using work = await temporaryDirectory('bad');
  const result = await runBox(work.path, ['run', '--isolation', 'jail', `${registry.host}/good`, 'x']);
  expectError(result, 'ERR_BOX_BACKEND_UNKNOWN', 125);
});

test('a backend whose program is missing', async (context) => {
  requireRoot(context);
  await using work = await temporaryDirectory('bad');
  // Hidden in a mount namespace of the test's own: box looks for programs where Debian has them, too.
  const hide = `mount --bind /dev/null "$(command -v bwrap)" && exec "$@"`;
  const args = [boxPath, 'run', '--isolation', 'bubblewrap', `${registry.host}/good`, 'x'];
  const env = { PATH: process.env['PATH'], BOX_HOME: join(work.path, 'box') };
  const result = await tryCommand('unshare', ['--mount', 'sh', '-ec', hide, 'sh', ...args], { env });
  expectError(result, 'ERR_BOX_BACKEND_UNAVAILABLE', 125);
});

test('a machine without any program', async () => {
  await using work = await temporaryDirectory('bad');
  const args = [join(root, 'packages/cli/bin/box'), 'run', `${registry.host}/good`, 'x'];
  const env = { PATH: '/nonexistent', BOX_HOME: join(work.path, 'box') };
  const result = await tryCommand('/bin/sh', args, { env });
  expect(result.stderr).toMatch(/^ {2}code: ERR_BOX_(?!INTERNAL)/m);
  expect(result.code).toBe(125);
});

test('a program that the image has not', async () => {
  await using work = await temporaryDirectory('bad');
  const result = await runBox(work.path, ['run', `${registry.host}/good`, '/bin/absent']);
  expect(result).toMatchObject({ code: 127, stderr: expect.stringContaining('/bin/absent') });
});

test('an image that has no command and is given none', async () => {
  await using work = await temporaryDirectory('bad');
  await pushDocument(registry, 'idle', buildImage({ layers, configOverride: { config: {} } }), 'latest');
  expectError(await runBox(work.path, ['run', `${registry.host}/idle`]), 'ERR_BOX_COMMAND_EMPTY', 125);
});

test('a user that the image has not', async () => {
  await using work = await temporaryDirectory('bad');
  const result = await runBox(work.path, ['run', '-u', 'nobody-knows', `${registry.host}/good`, 'x']);
  expectError(result, 'ERR_BOX_USER_UNKNOWN', 125);
});

test('a home that cannot be written', async () => {
  await using user = await ordinaryUser();
  await using work = await temporaryDirectory('bad');
  const home = join(work.path, 'locked');
  await mkdir(home, { mode: 0o755 });
  await chmod(work.path, 0o755);
  const env = { BOX_HOME: join(home, 'box') };
  const result = await user.attempt(inject('e2e').packedBox, ['pull', `${registry.host}/good`], { env });
  expectError(result, 'ERR_BOX_STORE_UNWRITABLE');
  expect(globSync('*', { cwd: home })).toEqual([]);
});

test('a home that is a file', async () => {
  await using work = await temporaryDirectory('bad');
  await writeFile(join(work.path, 'box'), 'not a directory');
  expectError(await runBox(work.path, ['pull', `${registry.host}/good`]), 'ERR_BOX_STORE_UNWRITABLE');
});

test('a platform that the image has not', async () => {
  const other = buildImage({ layers, platform: { os: 'linux', architecture: 's390x' } });
  await pushDocument(registry, 'other', other, 'latest');
  await using work = await temporaryDirectory('bad');
  const result = await runBox(work.path, ['pull', '--platform', 'linux/riscv64', `${registry.host}/other`]);
  expectError(result, 'ERR_BOX_PLATFORM_MISSING');
});

test('an option that there is not', async () => {
  await using work = await temporaryDirectory('bad');
  const result = await runBox(work.path, ['pull', '--no-such-option', 'x']);
  expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('--no-such-option') });
});

function wrongDiffIds(): Record<string, unknown> {
  return { rootfs: { type: 'layers', diff_ids: layers.map((_layer, at) => digestOf(Buffer.from(`wrong ${at}`))) } };
}

test.each([20, 27])('%s open files are one clear error, and leave nothing', async (limit) => {
  await using work = await temporaryDirectory('bad');
  const script = `ulimit -n ${limit}; exec '${boxPath}' unpack '${registry.host}/good' '${work.path}/tree'`;
  const env = { HOME: work.path, BOX_HOME: join(work.path, 'box') };
  const result = await tryCommand('sh', ['-c', script], { env: { PATH: process.env['PATH'], ...env } });
  expect(result.stderr).toMatch(/^box: error: .*open files.*\n {2}hint: .*ulimit -n 1024/m);
  expect(result.stderr.match(/^box: error: /gm)).toHaveLength(1);
  expect(globSync('{tree,box/layers/*/*,box/images/*}', { cwd: work.path })).toEqual([]);
});
