import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { BlobReader, Descriptor, Image, ImageSource, Reference, SourceContext } from '@boxkit/contracts';
import { readManifest } from '@boxkit/manifest';
import { openStore } from '@boxkit/store';
import { temporaryDirectory } from '@boxkit/testkit';

/** An image read through a source, and what must be closed with it. */
export interface OpenedImage extends AsyncDisposable {
  readonly image: Image;
  /** The digest of every layer's bytes, as they were read. */
  readonly layerDigests: readonly string[];
}

/** Resolves `location` at `source`, reads the manifest, and every layer to its end. */
export async function openImage(
  source: ImageSource,
  location: string,
  options: { readonly name?: string } = {},
): Promise<OpenedImage> {
  const home = await temporaryDirectory('archive-store');
  const store = await openStore({ home: join(home.path, 'home') });
  const context: SourceContext = {
    store,
    signal: new AbortController().signal,
    logger: { debug() {}, warn() {} },
    emit() {},
    defer() {},
  };
  const normal = source.normalize?.(location) ?? location;
  const plain = { scheme: source.scheme, location: normal, text: `${source.scheme}:${normal}` };
  const named = { scheme: 'docker', location: options.name ?? '', text: options.name ?? '' };
  const reference = plain as unknown as Reference;
  const dispose = async () => {
    await store[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  };
  try {
    const resolved = await source.resolve(reference, context);
    try {
      const blobs = readerOf((descriptor) => resolved.open(descriptor, { signal: context.signal }));
      const fetched = {
        reference: options.name === undefined ? reference : (named as unknown as Reference),
        descriptor: resolved.descriptor,
        blobs,
      };
      const image = await readManifest().run(fetched, context);
      const layerDigests = [];
      for (const layer of image.layers) layerDigests.push(digestOf(await readAll(blobs.open(layer.descriptor))));
      return {
        image,
        layerDigests,
        async [Symbol.asyncDispose]() {
          await resolved[Symbol.asyncDispose]();
          await dispose();
        },
      };
    } catch (error) {
      await resolved[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    await dispose();
    throw error;
  }
}

function readerOf(open: (descriptor: Descriptor) => Promise<AsyncIterable<Uint8Array>>): BlobReader {
  return {
    open: (descriptor) => ({
      path: undefined,
      async *[Symbol.asyncIterator]() {
        const hash = createHash('sha256');
        for await (const chunk of await open(descriptor)) {
          hash.update(chunk);
          yield chunk;
        }
        if (`sha256:${hash.digest('hex')}` !== descriptor.digest) throw new Error(`${descriptor.digest} does not fit`);
      },
    }),
    async read(descriptor) {
      return readAll(this.open(descriptor));
    },
  };
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
