import { box, compete, type BenchOptions } from './bench.ts';
import { benchRegistry } from './images.ts';

const images = ['debian', 'small-files', 'large-files'];

/** A directory as a compressed layer, at the level that each uses by itself and on all processors. */
export async function benchMaking(options: BenchOptions): Promise<void> {
  const names = options.images ?? images;
  await using registry = await benchRegistry(names);
  const tar = 'tar -C tree --sort=name --numeric-owner --owner=0 --group=0 -cf - .';
  for (const name of names) {
    // Beside the storage that is measured, the store would only be in its way.
    const prepare = `BOX_HOME=$PWD/box ${box} unpack --quiet ${registry.host}/${name} tree\nrm -rf box`;
    const row = (tool: string, script: string) => ({ name: tool, prepare, script });
    await compete(
      `a layer of ${name}`,
      [
        row('box layer create', `${box} layer create tree -o layer.tar.gz`),
        row('tar | pigz', `${tar} | pigz -n -6 > layer.tar.gz`),
        row('tar | gzip', `${tar} | gzip -n -6 > layer.tar.gz`),
        row('box, zstd', `${box} layer create tree -o layer.tar.zst`),
        row('tar | zstd', `${tar} | zstd -q -3 -T0 > layer.tar.zst`),
        row('box, plain', `${box} layer create tree -o layer.tar`),
        row('tar', `${tar} > layer.tar`),
      ],
      options,
    );
  }
}
