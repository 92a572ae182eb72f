import { box, compete, type BenchOptions, type Contestant } from './bench.ts';
import { benchRegistry } from './images.ts';

/**
 * What is in an image that the store has, beside unpacking it to see: asked again, when the layers have their indexes; after
 * `box pull --index`, which writes them meanwhile; and first of all after a pull. Peers unpack from their own stores.
 */
export async function benchLooking(options: BenchOptions): Promise<void> {
  const names = options.images ?? ['debian-13-layers'];
  await using registry = await benchRegistry(names);
  for (const name of names) {
    const reference = `${registry.host}/${name}:latest`;
    const pull = `${box} pull --quiet ${reference} >/dev/null`;
    const indexed = `${box} pull --quiet --index ${reference} >/dev/null`;
    const storage = (tool: string): string => `${tool} --root $PWD/root --runroot $PWD/run --storage-driver overlay`;
    const layout = `skopeo --insecure-policy copy -q --src-tls-verify=false docker://${reference} oci:layout:x`;
    const archive = `skopeo --insecure-policy copy -q --src-tls-verify=false docker://${reference} docker-archive:x.tar`;
    const questions = { layers: reference, why: `${reference} /etc/passwd`, tree: reference };
    const asked = (when: string, prepare: (line: string) => string): Contestant[] =>
      Object.entries(questions).map(([question, operands]) => {
        const line = `${box} ${question} ${operands} >/dev/null`;
        return { name: `box ${question}, ${when}`, prepare: prepare(line), script: line };
      });
    await compete(
      `look into ${name}`,
      [
        ...asked('again', (line) => `${pull}\n${line}`),
        ...asked('pull --index', () => indexed),
        ...asked('after pull', () => pull),
        { name: 'umoci unpack', prepare: layout, script: 'umoci unpack --image layout:x bundle' },
        { name: 'podman load', prepare: archive, script: `${storage('podman')} load -q -i x.tar >/dev/null` },
        { name: 'box pull', script: pull },
        { name: 'box pull --index', script: indexed },
        { name: 'skopeo copy', script: layout },
      ],
      options,
    );
  }
}
