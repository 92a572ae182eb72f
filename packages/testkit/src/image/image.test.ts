import { lstat, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../command.ts';
import { startRegistry } from '../registry/registry.ts';
import { temporaryDirectory } from '../temporary.ts';
import { writeTar } from '../tar/tar-writer.ts';
import { buildDockerArchive } from './docker-archive.ts';
import { buildImage, buildIndex } from './image.ts';
import { buildLayer, whiteout } from './layer.ts';
import { writeOciLayout } from './layout.ts';
import { pushDocument } from './push.ts';

const long = `${'d'.repeat(90)}/${'f'.repeat(90)}`;
const base = buildLayer([
  { path: 'bin/', type: 'directory' },
  { path: 'bin/tool', content: 'one', mode: 0o4755, uid: 7, gid: 3_000_000, mtime: '1600000000.123456789' },
  { path: 'bin/again', type: 'hardlink', link: 'bin/tool' },
  { path: 'bin/link', type: 'symlink', link: '/bin/tool' },
  { path: long, content: 'long', xattrs: { 'user.bytes': Buffer.from([0xff, 0, 1]) } },
]);
const top = buildLayer([whiteout('bin/again')], { compression: 'zstd' });

test.for(['pax', 'gnu'] as const)('GNU tar reads a tar written as %s', async (format) => {
  await using directory = await temporaryDirectory();
  const tar = writeTar(
    [
      { path: long, content: 'long', mtime: 5 },
      { path: 'link', type: 'symlink', link: long },
      { path: Buffer.from([0x61, 0xff]), content: 'bytes' },
      { path: 'big', uid: 3_000_000 },
    ],
    { format },
  );
  await runCommand('tar', ['-xf', '-', '--same-owner'], { cwd: directory.path, input: tar });
  expect(await readFile(join(directory.path, long), 'utf8')).toBe('long');
  expect(await readlink(join(directory.path, 'link'))).toBe(long);
  expect(await readFile(Buffer.concat([Buffer.from(`${directory.path}/a`), Buffer.from([0xff])]), 'utf8')).toBe(
    'bytes',
  );
  const { stdout } = await runCommand('tar', ['-tvf', '-', '--numeric-owner', 'big'], { input: tar });
  expect(stdout).toContain('3000000/');
  expect((await lstat(join(directory.path, long))).mtimeMs).toBe(5000);
});

test('umoci unpacks a layout as it was described', async () => {
  await using directory = await temporaryDirectory();
  const layout = join(directory.path, 'layout');
  await writeOciLayout(layout, [
    { document: buildImage({ layers: [base, buildLayer([whiteout('bin/again')])] }), name: 'x' },
  ]);
  const bundle = join(directory.path, 'bundle');
  await runCommand('umoci', ['unpack', '--rootless', '--image', `${layout}:x`, bundle]);
  expect(await readFile(join(bundle, 'rootfs/bin/tool'), 'utf8')).toBe('one');
  await expect(lstat(join(bundle, 'rootfs/bin/again'))).rejects.toThrow('ENOENT');
});

test('skopeo reads what was pushed: an index of an OCI and a Docker image', async () => {
  await using registry = await startRegistry({ auth: 'htpasswd', tls: true });
  const images = [buildImage({ layers: [base, top] }), buildImage({ layers: [base], format: 'docker' })];
  await pushDocument(registry, 'a/b', buildIndex(images), 'both');
  const credentials = ['--creds', `${registry.username}:${registry.password}`, '--tls-verify=false'];
  const { stdout } = await runCommand('skopeo', [
    'inspect',
    '--raw',
    ...credentials,
    `docker://${registry.host}/a/b:both`,
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ manifests: [{}, {}] });
});

test('skopeo reads a docker archive', async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'saved.tar');
  await writeFile(
    file,
    buildDockerArchive([{ image: buildImage({ layers: [base], format: 'docker' }), tags: ['me/it:1'] }]),
  );
  const { stdout } = await runCommand('skopeo', ['inspect', '--config', `docker-archive:${file}`]);
  expect(JSON.parse(stdout)).toMatchObject({ rootfs: { diff_ids: [base.diffId] } });
});
