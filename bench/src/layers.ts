import type { Registry } from '@boxkit/testkit';

/** The digests of an image's layers, the lowest first. */
export async function layersOf(registry: Registry, name: string): Promise<readonly string[]> {
  const accept = 'application/vnd.oci.image.manifest.v1+json';
  const response = await fetch(`${registry.url}/v2/${name}/manifests/latest`, { headers: { accept } });
  const { layers } = (await response.json()) as { layers: { digest: string }[] };
  return layers.map(({ digest }) => digest);
}
