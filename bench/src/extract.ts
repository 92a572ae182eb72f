import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { temporaryDirectory, writeTar, type TarEntry } from '@boxkit/testkit';
import { compete, workspace, type BenchOptions, type Contestant } from './bench.ts';
import { benchRegistry } from './images.ts';
import { layersOf } from './layers.ts';

/** The images whose first layer is extracted; `million` only when it is asked for: a million files take minutes. */
const images = ['debian', 'small-files', 'large-files'];

/** Extraction alone: one gzip layer from a file to a tree. Only box checks digests. */
export async function benchExtract(options: BenchOptions): Promise<void> {
  const names = options.images ?? images;
  await using blobs = await temporaryDirectory('extract', '/var/tmp');
  const blob = join(blobs.path, 'layer.tar.gz');
  for (const name of names) {
    if (name === 'million') await makeMillion(blob);
    else await download(name, blob);
    const digest = await digestOf(createReadStream(blob));
    const diffId = await digestOf(createReadStream(blob).pipe(createGunzip()));
    await compete(`extract the first layer of ${name}`, contestants(blob, digest, diffId), options);
  }
}

function contestants(blob: string, digest: string, diffId: string): readonly Contestant[] {
  const node = `${process.execPath} --no-warnings ${join(workspace, 'bench/src/contestants')}`;
  const npm = ['tar', 'tar-fs', 'modern-tar'].map((name) => ({
    name: `npm ${name}`,
    script: `${node}/extract-npm.ts ${name} ${blob} out`,
  }));
  return [
    { name: 'box', script: `${node}/extract-box.ts ${blob} ${digest} ${diffId} out` },
    { name: 'GNU tar', script: `mkdir out\ntar -xzpf ${blob} --numeric-owner -C out` },
    { name: 'bsdtar', script: `mkdir out\nbsdtar -xpf ${blob} --numeric-owner -C out` },
    ...npm,
  ];
}

async function download(name: string, to: string): Promise<void> {
  await using registry = await benchRegistry([name]);
  const [digest] = await layersOf(registry, name);
  const response = await fetch(`${registry.url}/v2/${name}/blobs/${digest}`);
  if (response.body === null) throw new Error(`the registry has no layer of ${name}`);
  await pipeline(Readable.fromWeb(response.body), createWriteStream(to));
}

/** A million small files in ten thousand directories. */
async function makeMillion(to: string): Promise<void> {
  function* parts(): Generator<Buffer> {
    for (let directory = 0; directory < 10_000; directory++) {
      const entries: TarEntry[] = [{ path: `d${directory % 100}/e${directory}/`, type: 'directory' }];
      for (let file = 0; file < 100; file++) {
        entries.push({ path: `d${directory % 100}/e${directory}/f${file}`, content: `${directory} ${file}` });
      }
      yield writeTar(entries, { end: false });
    }
    yield Buffer.alloc(1024);
  }
  await pipeline(parts, createGzip({ level: 1 }), createWriteStream(to));
}

async function digestOf(stream: NodeJS.ReadableStream): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}
