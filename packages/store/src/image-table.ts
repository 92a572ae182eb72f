import { existsSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageTable, StoredImage } from '@boxkit/contracts';
import { BoxError } from '@boxkit/contracts';
import { diskError, errnoOf, unless } from './disk-error.ts';
import { checkTag, imageFileName } from './image-file.ts';
import { digestPath } from './layout.ts';
import { createLease, type Lease } from './lease.ts';
import { replaceFile, syncDirectory } from './replace-file.ts';
import type { Session } from './session.ts';

export interface DiskImageTable extends ImageTable {
  /** Gives the image `source` a further name. Throws ERR_BOX_IMAGE_UNKNOWN, ERR_BOX_REFERENCE_INVALID. */
  tag(source: string, target: string): Promise<StoredImage>;
}

export function createImageTable(session: Session): DiskImageTable {
  const { layout } = session;
  const fileOf = (reference: string): string => join(layout.images, imageFileName(reference));

  async function set(image: StoredImage): Promise<void> {
    // Of its own, for a moment: once the record is there, it is what keeps the blobs.
    const lease = createLease(layout);
    try {
      await name(image, lease);
    } finally {
      lease.release();
    }
  }

  async function name(image: StoredImage, lease: Lease): Promise<void> {
    const path = fileOf(image.reference);
    const digests = new Set([...image.blobs, image.root.digest, image.manifest.digest, image.config.digest]);
    const held = await lease.hold([...digests].map((digest) => `blobs/${digest}` as const));
    if (held instanceof Error) throw held;
    for (const digest of digests) {
      if (!existsSync(digestPath(layout.blobs, digest))) {
        throw new BoxError(
          'ERR_BOX_BLOB_MISSING',
          `cannot name ${image.reference}: the store lacks its blob ${digest}`,
          {
            hint: 'Pull the image again.',
            fields: { digest, reference: image.reference },
          },
        );
      }
    }
    try {
      // The blobs' bytes were synced when they were committed; their names must not come after the reference's.
      for (const algorithm of new Set([...digests].map((digest) => digest.slice(0, 6)))) {
        syncDirectory(join(layout.blobs, algorithm));
      }
      replaceFile(layout, path, `${JSON.stringify(image, undefined, 1)}\n`);
    } catch (error) {
      throw diskError(`name the image ${image.reference}`, error);
    }
  }

  async function get(reference: string): Promise<StoredImage | undefined> {
    return readImage(fileOf(reference));
  }

  return {
    get,
    set,
    async delete(reference) {
      try {
        unlinkSync(fileOf(reference));
        return true;
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return false;
        throw diskError(`remove the image name ${reference}`, error);
      }
    },
    async list() {
      const found = readdirSync(layout.images)
        .filter((name) => name.endsWith('.json'))
        .map((name) => readImage(join(layout.images, name)));
      return found.filter((image) => image !== undefined).sort((a, b) => (a.reference < b.reference ? -1 : 1));
    },
    async tag(source, target) {
      checkTag(target);
      const image = await get(source);
      if (image === undefined) {
        throw new BoxError('ERR_BOX_IMAGE_UNKNOWN', `cannot tag ${source}: the store has no image of that name`, {
          hint: '`box images` lists those there are.',
          fields: { reference: source },
        });
      }
      const tagged = { ...image, reference: target, updated: new Date().toISOString() };
      await set(tagged);
      return tagged;
    },
  };
}

/** Reads one record. It was checked when it was written, so only damage is looked for: no schema is loaded on the way to a warm run. */
export function readImage(path: string): StoredImage | undefined {
  const text = unless('ENOENT', undefined, () => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') throw error;
      throw diskError(`read the image record ${path}`, error);
    }
  });
  if (text === undefined) return undefined;
  try {
    const image = JSON.parse(text) as StoredImage;
    if (typeof image.reference === 'string' && Array.isArray(image.blobs) && Array.isArray(image.layers)) return image;
  } catch {
    // told below
  }
  throw new BoxError('ERR_BOX_STORE_CORRUPT', `cannot read the image record ${path}: it holds no image`, {
    hint: '`box fsck --repair` removes it; then pull the image again.',
    fields: { path },
  });
}
