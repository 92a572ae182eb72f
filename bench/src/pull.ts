import { box, compete, type BenchOptions } from './bench.ts';
import { benchRegistry } from './images.ts';
import { layersOf } from './layers.ts';

const images = ['blob-45mb', 'blobs-20', 'blob-800mb'];

/** Cold pulls without unpacking, beside skopeo and a curl for each blob. */
export async function benchPull(options: BenchOptions): Promise<void> {
  const names = options.images ?? images;
  await using registry = await benchRegistry(names);
  for (const name of names) {
    const reference = `${registry.host}/${name}:latest`;
    const digests = await layersOf(registry, name);
    const urls = digests.map((digest) => `${registry.url}/v2/${name}/blobs/${digest}`);
    await compete(
      `pull ${name}`,
      [
        { name: 'box pull', script: `${box} pull --quiet ${reference}` },
        {
          name: 'skopeo copy',
          script: `skopeo --insecure-policy copy -q --src-tls-verify=false docker://${reference} oci:layout:x`,
        },
        { name: 'curl per blob', script: urls.map((url, at) => `curl -sSfL -o blob-${at} ${url}`).join('\n') },
      ],
      options,
    );
  }
}
