import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startRegistry, temporaryDirectory, type Registry } from '@boxkit/testkit';
import { box, compete, type BenchOptions } from './bench.ts';
import { benchRegistry } from './images.ts';
import { layersOf } from './layers.ts';

const images = ['blob-45mb', 'blobs-20', 'blob-800mb'];

/**
 * Cold pulls without unpacking, beside skopeo and a curl for each blob. curl verifies nothing: so it runs with a digest of
 * what it wrote as well, by OpenSSL, which uses the processor's instructions for it, and by coreutils.
 */
export async function benchPull(options: BenchOptions, { tls = false } = {}): Promise<void> {
  const names = options.images ?? images;
  await using plain = await benchRegistry(names);
  await using resources = new AsyncDisposableStack();
  const registry = tls ? resources.use(await startRegistry({ storage: plain.storage, tls })) : plain;
  await using trust = await trustOf(registry);
  for (const name of names) {
    const reference = `${registry.host}/${name}:latest`;
    const digests = await layersOf(plain, name);
    const urls = digests.map((digest) => `${registry.url}/v2/${name}/blobs/${digest}`);
    const curl = urls.map((url, at) => `curl -sSfL ${trust.curl} -o blob-${at} ${url}`).join('\n');
    await compete(
      `pull ${name}${tls ? ' over TLS' : ''}`,
      [
        { name: 'box pull', script: `${box} pull --quiet ${trust.box} ${reference}` },
        {
          name: 'skopeo copy',
          script: `skopeo --insecure-policy copy -q ${trust.skopeo} docker://${reference} oci:layout:x`,
        },
        { name: 'curl per blob', script: curl },
        { name: 'curl, openssl dgst', script: `${curl}\nopenssl dgst -sha256 blob-* > digests` },
        { name: 'curl, sha256sum', script: `${curl}\nsha256sum blob-* > digests` },
      ],
      options,
    );
  }
}

/** The options that make each program trust the registry's authority, or speak plain HTTP. */
async function trustOf({ authority, host }: Registry) {
  const directory = await temporaryDirectory('bench-trust');
  const dispose = async (): Promise<void> => await directory[Symbol.asyncDispose]();
  if (authority === undefined)
    return { box: '', curl: '', skopeo: '--src-tls-verify=false', [Symbol.asyncDispose]: dispose };
  await copyFile(authority.certificate, join(directory.path, 'ca.crt'));
  const config = join(directory.path, 'config.json');
  await writeFile(config, JSON.stringify({ registries: { [host]: { ca: authority.certificate } } }));
  return {
    box: `--config ${config}`,
    curl: `--cacert ${authority.certificate}`,
    skopeo: `--src-cert-dir ${directory.path}`,
    [Symbol.asyncDispose]: dispose,
  };
}
