import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  buildImage,
  buildIndex,
  buildLayer,
  pushDocument,
  requireTool,
  runCommand,
  startRegistry,
  temporaryDirectory,
  tryCommand,
} from '@boxkit/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { boxPath, registryHost } from './support/box.ts';
import { skopeoCopy } from './support/images.ts';
import { pageBlocks } from './support/page.ts';

const resources = new AsyncDisposableStack();
let work = '';
beforeAll(async () => {
  work = resources.use(await temporaryDirectory('pages')).path;
});
afterAll(() => resources.disposeAsync());

/** The pages' names of images come from the registry of these tests by way of mirrors, and from nowhere else. */
async function environment(host: string, home: string): Promise<Record<string, string>> {
  const elsewhere = { mirrors: [host], proxy: 'http://127.0.0.1:9' };
  const config = { registries: { 'docker.io': elsewhere, 'ghcr.io': elsewhere } };
  await writeFile(join(work, 'config.json'), JSON.stringify(config));
  return {
    PATH: `${join(boxPath, '..')}:${process.env['PATH'] ?? ''}`,
    HOME: join(work, home),
    BOX_HOME: join(work, home),
    BOX_CONFIG: join(work, 'config.json'),
  };
}

test('archives.md: images are read from archives, written to them, and taken apart by hand', async (context) => {
  const host = registryHost(context);
  requireTool(context, 'jq', 'skopeo', 'tar');
  const env = await environment(host, 'archives');
  for (const { line, section, script } of await pageBlocks('docs/guide/archives.md')) {
    // One directory a section: what is written needs a place where nothing is.
    const cwd = join(work, section.replaceAll(' ', '-'));
    if ((await mkdir(cwd, { recursive: true })) !== undefined && section === 'Read') await archives(cwd, host);
    // No daemon of docker's runs here.
    const commands = script.split('\n').filter((command) => !command.includes('docker load'));
    const text = commands
      .join('\n')
      .replaceAll('127.0.0.1:5000', host)
      .replaceAll('skopeo copy', 'skopeo --insecure-policy copy --dest-tls-verify=false')
      .replace('/opt/tool/bin/tool', '/bin/cat');
    const result = await tryCommand('sh', ['-eu', '-c', text], { cwd, env, timeout: 120_000 });
    expect({ line, code: result.code, stderr: result.code === 0 ? '' : result.stderr }).toEqual({
      line,
      code: 0,
      stderr: '',
    });
  }
});

test('registries.md: references lead to registries and their mirrors', async (context) => {
  requireTool(context, 'docker-registry');
  await using registry = await startRegistry();
  const layers = [buildLayer([{ path: 'file', content: 'content' }])];
  const arm = { os: 'linux', architecture: 'arm64' };
  const index = buildIndex([buildImage({ layers }), buildImage({ layers, platform: arm })]);
  const tags = ['library/alpine:latest', 'library/alpine:3.20', 'owner/app:v2', 'debian:bookworm'];
  for (const tag of tags) await pushDocument(registry, tag.replace(/:.*/, ''), index, tag.replace(/.*:/, ''));
  const env = await environment(registry.host, 'registries');
  const [block] = await pageBlocks('docs/guide/registries.md');
  const commands = block?.script
    .replaceAll('127.0.0.1:5000', registry.host)
    .replaceAll(/sha256:\w+\.\.\./g, index.descriptor.digest)
    .trimEnd();
  for (const command of commands?.split('\n') ?? [])
    expect(await tryCommand('sh', ['-eu', '-c', command], { cwd: work, env })).toMatchObject({ code: 0 });
  const { stdout } = await tryCommand('box', ['images', '-q', '--json'], { env });
  for (const name of [...tags.slice(0, 3), `${registry.host}/debian:bookworm`])
    expect(stdout).toContain(name.replace('library/', ''));
});

/** What the page reads and names: made by skopeo, from an image of the registry. */
async function archives(directory: string, host: string): Promise<void> {
  const image = `docker://${host}/buildah:latest`;
  const copy = (to: string) => skopeoCopy(image, to.replace(':', `:${directory}/`));
  await skopeoCopy(image, `docker://${host}/library/alpine:latest`);
  await copy('docker-archive:image.tar:busybox:1.36');
  await copy('docker-archive:other.tar:other:1');
  await copy('oci:layout:v1');
  await copy('oci-archive:layout.tar:v1');
  await copy('dir:copied');
  const at = (name: string) => join(directory, name);
  await mkdir(at('frozen'));
  await runCommand('tar', ['-C', at('frozen'), '-xf', at('image.tar')]);
  // Two images in one archive: two frozen directories in one another, with the entries of both manifests.
  await mkdir(at('several'));
  const manifests: unknown[] = [];
  for (const name of ['image.tar', 'other.tar']) {
    await runCommand('tar', ['-C', at('several'), '-xf', at(name)]);
    manifests.push(...(JSON.parse(await readFile(at('several/manifest.json'), 'utf8')) as unknown[]));
    await rm(at('several/manifest.json'));
  }
  await writeFile(at('several/manifest.json'), JSON.stringify(manifests));
  await runCommand('tar', ['-C', at('several'), '-cf', at('several.tar'), '.']);
}
