import { createHash } from 'node:crypto';
import type { BlobReader, Descriptor, Image, ImageSource, Reference, SourceContext } from '@boxkit/contracts';
import { readManifest } from '@boxkit/manifest';
import { temporaryDirectory, type TemporaryDirectory } from '@boxkit/testkit';

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
  const staged = new Set<TemporaryDirectory>();
  const context: SourceContext = {
    // All that a source and readManifest ask of a store.
    store: {
      async stage(purpose: string) {
        const directory = await temporaryDirectory(purpose);
        staged.add(directory);
        const dispose = async () => {
          staged.delete(directory);
          await directory[Symbol.asyncDispose]();
        };
        return { path: directory.path, [Symbol.asyncDispose]: dispose };
      },
      images: { get: () => Promise.resolve(undefined) },
    } as unknown as SourceContext['store'],
    signal: new AbortController().signal,
    logger: { debug() {}, warn() {} },
    emit() {},
    defer() {},
  };
  const normal = source.normalize?.(location) ?? location;
  const plain = { scheme: source.scheme, location: normal, text: `${source.scheme}:${normal}` };
  const named = { scheme: 'docker', location: options.name ?? '', text: options.name ?? '' };
  const reference = plain as unknown as Reference;
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
          requireNothingStaged(staged);
        },
      };
    } catch (error) {
      await resolved[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    requireNothingStaged(staged);
    throw error;
  }
}

function requireNothingStaged(staged: ReadonlySet<TemporaryDirectory>): void {
  if (staged.size > 0) throw new Error('the source left something in the store');
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
