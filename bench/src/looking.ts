import { box, compete, type BenchOptions } from './bench.ts';
import { benchRegistry } from './images.ts';

/**
 * What is in an image that the store has, beside unpacking it to see: right after a pull, when the layers are extracted for
 * the answer, and once they are. Peers unpack from their own stores.
 */
export async function benchLooking(options: BenchOptions): Promise<void> {
  const names = options.images ?? ['debian-13-layers'];
  await using registry = await benchRegistry(names);
  for (const name of names) {
    const reference = `${registry.host}/${name}:latest`;
    const pull = `${box} pull --quiet ${reference} >/dev/null`;
    const warm = `${pull}\n${box} layers ${reference} >/dev/null`;
    const storage = (tool: string): string => `${tool} --root $PWD/root --runroot $PWD/run --storage-driver overlay`;
    const layout = `skopeo --insecure-policy copy -q --src-tls-verify=false docker://${reference} oci:layout:x`;
    const archive = `skopeo --insecure-policy copy -q --src-tls-verify=false docker://${reference} docker-archive:x.tar`;
    await compete(
      `look into ${name}`,
      [
        { name: 'box layers', prepare: warm, script: `${box} layers ${reference} >/dev/null` },
        { name: 'box why', prepare: warm, script: `${box} why ${reference} /etc/passwd >/dev/null` },
        { name: 'box layers, after pull', prepare: pull, script: `${box} layers ${reference} >/dev/null` },
        { name: 'box why, after pull', prepare: pull, script: `${box} why ${reference} /etc/passwd >/dev/null` },
        { name: 'umoci unpack', prepare: layout, script: 'umoci unpack --image layout:x bundle' },
        { name: 'podman load', prepare: archive, script: `${storage('podman')} load -q -i x.tar >/dev/null` },
      ],
      options,
    );
  }
}
