import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeTar, type TarEntry } from '../tar/tar-writer.ts';
import type { BuiltImage } from './image.ts';

export interface TaggedImage {
  readonly image: BuiltImage;
  /** `name:tag`. */
  readonly tags: readonly string[];
}

/** What `docker save` wrote before version 25: `<layer>/layer.tar` (uncompressed), `<config>.json`, manifest.json, repositories. */
export function dockerArchiveFiles(images: readonly TaggedImage[]): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const manifest: unknown[] = [];
  const repositories: Record<string, Record<string, string>> = {};
  for (const { image, tags } of images) {
    const config = `${hexOf(image.config.descriptor.digest)}.json`;
    files.set(config, image.config.bytes);
    const layers = image.layers.map((layer) => {
      const folder = hexOf(layer.diffId);
      files.set(`${folder}/VERSION`, Buffer.from('1.0'));
      files.set(`${folder}/json`, Buffer.from(JSON.stringify({ id: folder })));
      files.set(`${folder}/layer.tar`, layer.tar);
      return `${folder}/layer.tar`;
    });
    manifest.push({ Config: config, RepoTags: tags, Layers: layers });
    for (const name of tags) {
      const colon = name.lastIndexOf(':');
      const tagged = (repositories[name.slice(0, colon)] ??= {});
      tagged[name.slice(colon + 1)] = layers.at(-1)?.split('/')[0] ?? '';
    }
  }
  files.set('manifest.json', Buffer.from(JSON.stringify(manifest)));
  files.set('repositories', Buffer.from(JSON.stringify(repositories)));
  return files;
}

/** The archive as one tar. */
export function buildDockerArchive(images: readonly TaggedImage[]): Buffer {
  const entries = [...dockerArchiveFiles(images)].map(([path, content]): TarEntry => ({ path, content }));
  return writeTar(entries);
}

/** The directory that moby's download-frozen-image script leaves. */
export async function writeFrozenDirectory(directory: string, images: readonly TaggedImage[]): Promise<void> {
  for (const [path, bytes] of dockerArchiveFiles(images)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), bytes);
  }
}

function hexOf(digest: string): string {
  return digest.split(':')[1] ?? '';
}
