import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

interface TarFsOptions {
  readonly validateSymlinks: boolean;
  readonly ignore: (name: string, header: { readonly type: string } | undefined) => boolean;
}

interface TarFs {
  readonly extract: (directory: string, options: TarFsOptions) => NodeJS.WritableStream;
}

const packageWithoutTypes: string = 'tar-fs';

/** extract-npm.ts PACKAGE BLOB DIRECTORY: as the package's own manual has it. */
const [name, blob = '', directory = ''] = process.argv.slice(2);

await mkdir(directory);
if (name === 'tar') {
  const { extract } = await import('tar');
  await extract({ file: blob, cwd: directory, preserveOwner: true, preservePaths: false });
} else if (name === 'tar-fs') {
  // It refuses absolute symlinks unless told otherwise, and knows no devices.
  const options = {
    validateSymlinks: false,
    ignore: (_name: string, header: { readonly type: string } | undefined) => header?.type.endsWith('-device') === true,
  };
  const { extract }: TarFs = await import(packageWithoutTypes);
  await pipeline(createReadStream(blob), createGunzip(), extract(directory, options));
} else {
  const { unpackTar } = await import('modern-tar/fs');
  // It refuses absolute symlinks: without them it does a little less than the others.
  const filter = ({ type, linkname }: { type?: string; linkname?: string }): boolean =>
    type !== 'symlink' || linkname?.startsWith('/') !== true;
  await pipeline(createReadStream(blob), createGunzip(), unpackTar(directory, { filter }));
}
