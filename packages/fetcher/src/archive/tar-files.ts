import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { StageContext } from '@boxkit/contracts';
import {
  linkLimit,
  linkTarget,
  readRange,
  type ArchiveFile,
  type ArchiveFiles,
  type LinkPolicy,
} from './archive-files.ts';
import { compressionOf, decompress } from './compression.ts';
import { ArchiveError } from './errors.ts';
import { indexTar, type TarIndex } from './tar-index.ts';

/**
 * The files of a tar, read where they lie: nothing is unpacked. A compressed tar has no random access, so it is
 * decompressed into the store's staging once, and removed with the result. `shown` is what errors call it.
 */
export async function openTarFiles(
  path: string,
  links: LinkPolicy,
  context: Pick<StageContext, 'store' | 'signal'> & { readonly shown: string },
): Promise<ArchiveFiles> {
  const { shown, signal } = context;
  const cleanups: (() => Promise<void>)[] = [];
  const dispose = async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  };
  try {
    let handle = await openRegular(path, shown);
    cleanups.push(() => handle.close());
    const compression = compressionOf(await start(handle), shown);
    if (compression !== undefined) {
      const staging = await context.store.stage('archive');
      cleanups.push(async () => staging[Symbol.asyncDispose]());
      const plain = join(staging.path, 'plain.tar');
      await decompress(handle, compression, plain, { archive: shown, signal });
      const compressed = handle;
      handle = await openRegular(plain, shown);
      await compressed.close();
    }
    const index = await indexTar(handle, { archive: shown, signal });
    return {
      path: shown,
      find: (name) => Promise.resolve(lookUp({ path: shown, handle, index, links }, name)),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function openRegular(path: string, shown: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new ArchiveError(shown, undefined, 'it is no regular file', {
    hint: 'Save a stream to a file first, or hand it to bytesSource().',
  });
}

async function start(handle: FileHandle): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
  return buffer.subarray(0, bytesRead);
}

interface OpenTar {
  readonly path: string;
  readonly handle: FileHandle;
  readonly index: TarIndex;
  readonly links: LinkPolicy;
}

function lookUp(tar: OpenTar, name: string): ArchiveFile | undefined {
  let current: string | undefined = name;
  for (let followed = 0; followed <= linkLimit; followed += 1) {
    const record = tar.index.get(current);
    if (record === undefined) {
      if (followed === 0) return undefined;
      throw new ArchiveError(
        tar.path,
        name,
        `it links to ${JSON.stringify(current.slice(0, 200))}, which is not in the archive`,
      );
    }
    if (record.type === 'other') throw new ArchiveError(tar.path, name, `it is ${record.what}, no regular file`);
    if (record.type === 'file') {
      const { offset, size } = record;
      const read: ArchiveFile['read'] = (from, signal) =>
        readRange(
          tar.handle,
          { start: offset + from, length: Math.max(0, size - from) },
          { archive: tar.path, entry: name, signal },
        );
      return { size, read };
    }
    if (tar.links === 'refuse') throw new ArchiveError(tar.path, name, 'it is a link');
    current = linkTarget(record.type === 'symlink' ? current : '', record.target);
    if (current === undefined) throw new ArchiveError(tar.path, name, 'it is a link that leads outside');
  }
  throw new ArchiveError(tar.path, name, 'its links never end');
}
