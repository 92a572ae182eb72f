import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import {
  BoxError,
  definePlugin,
  type Descriptor,
  type Digest,
  type ImageSource,
  type Plugin,
  type ResolvedImage,
  type SourceContext,
} from '@boxkit/contracts';
import { streamFrom } from '../archive/resolved-image.ts';
import { resolveIn } from '../archive/source.ts';
import { openTarFiles } from '../archive/tar-files.ts';

/** Bytes at hand, or on their way: a buffer, a generator, a Node stream, the body of a fetch. */
export type Bytes = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Bytes, or what makes them anew each time: a stream can be read only once. */
export type BytesProvider = Bytes | (() => Bytes | Promise<Bytes>);

/** An image that the program has already. */
export type PrefetchedImage =
  /** What `docker save`, `podman save` or `skopeo copy oci-archive:` writes, compressed or not. */
  | { readonly archive: BytesProvider; readonly tag?: string }
  /** The root document's descriptor, and the bytes of every blob below it, that one's included. */
  | { readonly root: Descriptor; readonly blobs: ReadonlyMap<Digest, BytesProvider> };

export interface BytesSourceOptions {
  /** What stands before the colon of a reference; default `bytes`. */
  readonly scheme?: string;
}

/**
 * A source of images that a program hands over: `bytes:NAME` is the image of that name. All is verified as if it came
 * from a registry.
 */
export function bytesSource(
  images: ReadonlyMap<string, PrefetchedImage>,
  options: BytesSourceOptions = {},
): ImageSource {
  const scheme = options.scheme ?? 'bytes';
  const spent = new WeakSet<object>();
  return {
    scheme,
    description: 'an image that the program hands over as bytes',
    async resolve({ location }, context) {
      const image = images.get(location);
      if (image === undefined) throw unknown(scheme, location, [...images.keys()]);
      if ('archive' in image) return resolveArchive(image, context, { shown: `${scheme}:${location}`, spent });
      return {
        descriptor: image.root,
        async open({ digest }) {
          const provider = image.blobs.get(digest);
          if (provider === undefined) throw missing(scheme, location, digest);
          // Bytes on their way have no middle to start from; the reader skips what it has.
          return streamFrom(0, chunksOf(await provide(provider, spent)));
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
  };
}

/** Contributes a `bytes:` source. */
export function bytesPlugin(images: ReadonlyMap<string, PrefetchedImage>, options?: BytesSourceOptions): Plugin {
  return definePlugin({
    name: `@boxkit/source-${options?.scheme ?? 'bytes'}`,
    setup(host) {
      host.addSource(bytesSource(images, options));
    },
  });
}

/** An archive is read here and there: a stream of one is staged first. */
async function resolveArchive(
  image: Extract<PrefetchedImage, { archive: unknown }>,
  context: SourceContext,
  { shown, spent }: { readonly shown: string; readonly spent: WeakSet<object> },
): Promise<ResolvedImage> {
  const staging = await context.store.stage('bytes');
  try {
    const path = join(staging.path, 'archive.tar');
    const bytes = await provide(image.archive, spent);
    const destination = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    await pipeline(chunksOf(bytes), destination, { signal: context.signal });
    const files = await openTarFiles(path, 'follow', { ...context, shown });
    try {
      const resolved = await resolveIn(files, image.tag, context);
      return {
        descriptor: resolved.descriptor,
        open: (descriptor, options) => resolved.open(descriptor, options),
        async [Symbol.asyncDispose]() {
          await resolved[Symbol.asyncDispose]();
          await staging[Symbol.asyncDispose]();
        },
      };
    } catch (error) {
      await files[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    await staging[Symbol.asyncDispose]();
    throw error;
  }
}

async function provide(provider: BytesProvider, spent: WeakSet<object>): Promise<Bytes> {
  if (typeof provider === 'function') return provider();
  if (provider instanceof Uint8Array || Array.isArray(provider)) return provider;
  if (spent.has(provider)) {
    throw new BoxError('ERR_BOX_USAGE', 'cannot read a stream of bytes a second time', {
      hint: 'Hand over a function that makes the stream anew.',
    });
  }
  spent.add(provider);
  return provider;
}

async function* chunksOf(bytes: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes instanceof Uint8Array) yield bytes;
  else yield* bytes;
}

function unknown(scheme: string, name: string, names: readonly string[]): BoxError {
  return new BoxError(
    'ERR_BOX_IMAGE_NOT_FOUND',
    `cannot find ${scheme}:${name.slice(0, 200)}: no such image was handed over`,
    {
      hint: `There is ${names.slice(0, 50).join(', ') || 'none'}.`,
      fields: { names },
    },
  );
}

function missing(scheme: string, name: string, digest: Digest): BoxError {
  return new BoxError(
    'ERR_BOX_BLOB_MISSING',
    `cannot read ${digest} of ${scheme}:${name.slice(0, 200)}: it was not handed over`,
    {
      fields: { digest },
    },
  );
}
