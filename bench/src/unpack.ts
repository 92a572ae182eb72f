import { box, compete, type BenchOptions, type Contestant } from './bench.ts';
import { benchRegistry } from './images.ts';
import { layersOf } from './layers.ts';

const images = ['debian', 'debian-13-layers', 'small-files', 'large-files', 'debian-13-layers-zstd', 'layers-127'];

/** From nothing to a tree that is ready to run: cold pull and unpack by box, by its peers, and by hand. */
export async function benchUnpack(options: BenchOptions): Promise<void> {
  const names = options.images ?? images;
  await using registry = await benchRegistry(names);
  for (const name of names) {
    const digests = await layersOf(registry, name);
    const urls = digests.map((digest) => `${registry.url}/v2/${name}/blobs/${digest}`);
    const contestants = [...pullers(`${registry.host}/${name}:latest`), byHand(urls, name.endsWith('zstd'))];
    await compete(`pull and unpack ${name} (${digests.length} layers)`, contestants, options);
  }
}

function pullers(reference: string): readonly Contestant[] {
  const copy = `skopeo --insecure-policy copy -q --src-tls-verify=false docker://${reference} oci:layout:x`;
  const storage = (tool: string): string => `${tool} --root $PWD/root --runroot $PWD/run --storage-driver overlay`;
  return [
    { name: 'box unpack', script: `${box} unpack --quiet ${reference} rootfs` },
    { name: 'podman pull', script: `${storage('podman')} pull -q --tls-verify=false ${reference} >/dev/null` },
    { name: 'skopeo + umoci', script: `${copy}\numoci unpack --image layout:x bundle` },
    { name: 'buildah pull', script: `${storage('buildah')} pull -q --tls-verify=false ${reference} >/dev/null` },
  ];
}

/** No digest checked, no whiteout understood, one layer after the other. */
function byHand(urls: readonly string[], zstd: boolean): Contestant {
  const flag = zstd ? '--zstd' : '-z';
  const lines = urls.map((url) => `curl -sSfL ${url} | tar -C rootfs ${flag} -xpf -`);
  return { name: 'curl | tar per layer', script: ['mkdir rootfs', ...lines].join('\n') };
}
