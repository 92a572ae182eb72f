import { startRegistry, type Registry } from '@boxkit/testkit';
import { box, compete, type BenchOptions } from './bench.ts';
import { benchRegistry } from './images.ts';

const images = ['debian-13-layers', 'blobs-20', 'blob-45mb'];

/** Pushes of what lies on this machine to an empty registry, and archives of it, beside skopeo and tar. */
export async function benchTransfer(options: BenchOptions): Promise<void> {
  const names = options.images ?? images;
  await using source = await benchRegistry(names);
  await using target = await startRegistry();
  for (const name of names) {
    await benchPush(name, { source, target }, options);
    await benchSave(name, source, options);
  }
}

interface Ends {
  readonly source: Registry;
  readonly target: Registry;
}

async function benchPush(name: string, { source, target }: Ends, options: BenchOptions): Promise<void> {
  const [from, to] = [`${source.host}/${name}:latest`, `${target.host}/${name}:latest`];
  // Emptied each time; what skopeo remembers to have pushed there it then asks for in vain.
  const empty = `rm -rf ${target.storage}/*`;
  await compete(
    `push ${name} to an empty registry`,
    [
      {
        name: 'box push',
        prepare: `${empty}\n${box} pull --quiet ${from}`,
        script: `${box} push --quiet ${from} ${to}`,
      },
      {
        name: 'skopeo copy',
        prepare: `${empty}\n${layoutOf(from)}`,
        script: `skopeo --insecure-policy copy -q --dest-tls-verify=false oci:layout:x docker://${to}`,
      },
    ],
    options,
  );
}

async function benchSave(name: string, source: Registry, options: BenchOptions): Promise<void> {
  const from = `${source.host}/${name}:latest`;
  const stored = `${box} pull --quiet ${from}`;
  await compete(
    `save ${name}`,
    [
      { name: 'box save', prepare: stored, script: `${box} save --quiet ${from} -o image.tar` },
      { name: 'tar and sync', prepare: layoutOf(from), script: 'tar -C layout -cf image.tar . && sync image.tar' },
      {
        name: 'skopeo copy',
        prepare: layoutOf(from),
        script: 'skopeo --insecure-policy copy -q oci:layout:x oci-archive:image.tar',
      },
    ],
    options,
  );
  await compete(
    `save ${name}, compressed at level 1`,
    [
      {
        name: 'box save --compression gzip',
        prepare: stored,
        script: `${box} save --quiet ${from} --level 1 -o image.tar.gz`,
      },
      { name: 'box save | pigz', prepare: stored, script: `${box} save --quiet ${from} | pigz -1 > image.tar.gz` },
      { name: 'tar | pigz', prepare: layoutOf(from), script: 'tar -C layout -c . | pigz -1 > image.tar.gz' },
    ],
    options,
  );
}

function layoutOf(reference: string): string {
  return `skopeo --insecure-policy copy -q --src-tls-verify=false docker://${reference} oci:layout:x`;
}
