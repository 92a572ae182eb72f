import { join } from 'node:path';
import type { ChainId, DiffId, Digest } from '@boxkit/contracts';
import { digestParts, parseDigest } from '@boxkit/contracts';

/** The store's version: raised when an older box could misread or damage what a newer one keeps. */
export const storeVersion = 1;

/** Where everything is below one home. Names of digests are `<algorithm>/<hex>`: a colon would end a path in overlayfs's options. */
export interface Layout {
  readonly home: string;
  readonly version: string;
  readonly blobs: string;
  readonly layers: string;
  /** Of layers that are not extracted: the index of their entries. */
  readonly indexes: string;
  readonly rootfs: string;
  readonly images: string;
  readonly containers: string;
  readonly volumes: string;
  /** Claims of container names: `names/<name>/<containerId>`. */
  readonly names: string;
  readonly tmp: string;
  /** Blobs on their way in; also their write locks. */
  readonly partial: string;
  /** What running processes rely on. */
  readonly leases: string;
  readonly locks: string;
  /** Marks of trees that a power cut could damage. */
  readonly unsynced: string;
}

export function layoutOf(home: string): Layout {
  return {
    home,
    version: join(home, 'version'),
    blobs: join(home, 'blobs'),
    layers: join(home, 'layers'),
    indexes: join(home, 'indexes'),
    rootfs: join(home, 'rootfs'),
    images: join(home, 'images'),
    containers: join(home, 'containers'),
    volumes: join(home, 'volumes'),
    names: join(home, 'names'),
    tmp: join(home, 'tmp'),
    partial: join(home, 'tmp', 'partial'),
    leases: join(home, 'leases'),
    locks: join(home, 'locks'),
    unsynced: join(home, 'unsynced'),
  };
}

/** Every directory of a fresh store. */
export function directoriesOf(layout: Layout): readonly string[] {
  const perAlgorithm = [layout.blobs, layout.layers, layout.indexes, layout.rootfs, layout.partial];
  return [
    ...perAlgorithm.flatMap((parent) => [join(parent, 'sha256'), join(parent, 'sha512')]),
    layout.images,
    layout.containers,
    layout.names,
    layout.leases,
    layout.locks,
    layout.unsynced,
  ];
}

/** `<parent>/<algorithm>/<hex>`. Throws ERR_BOX_DIGEST_INVALID: a digest that nobody parsed must not become a path. */
export function digestPath(parent: string, digest: Digest | DiffId | ChainId): string {
  parseDigest(digest);
  const { algorithm, hex } = digestParts(digest);
  return join(parent, algorithm, hex);
}
