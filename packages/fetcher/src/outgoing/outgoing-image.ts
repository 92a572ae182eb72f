import {
  BoxError,
  type BlobReader,
  type Descriptor,
  type Digest,
  type Image,
  type OpenOutgoingOptions,
  type OutgoingDocument,
  type OutgoingImage,
  type Reference,
} from '@boxkit/contracts';
import { documentKind, essence } from '@boxkit/manifest';

/** Documents below one index; what a person would call an image has a few dozen. */
const documentLimit = 4096;
const depthLimit = 8;

export interface OutgoingOptions {
  readonly names: readonly string[];
  readonly open: OutgoingImage['open'];
  readonly signal: AbortSignal;
  readonly heldAt?: OutgoingImage['heldAt'];
}

/** One platform's image, as it is to be written: its manifest alone, without the index that it was found in. */
export async function outgoingOfImage(image: Image, options: OutgoingOptions): Promise<OutgoingImage> {
  const { names, open, signal } = options;
  const { mediaType, digest, size } = image.manifest;
  const manifest = { mediaType, digest, size };
  const bytes = await image.blobs.read(image.manifest, { signal });
  return {
    reference: image.reference,
    names,
    root: manifest,
    documents: [{ descriptor: manifest, bytes }],
    blobs: eachOnce([image.config, ...image.layers.map(({ descriptor }) => descriptor)]),
    image,
    heldAt: options.heldAt ?? (() => []),
    open,
  };
}

/** Everything below a root document, whatever it is for. Throws ERR_BOX_DOCUMENT_INVALID and what the reader throws. */
export async function outgoingOfTree(
  reference: Reference,
  root: Descriptor,
  blobs: BlobReader,
  options: OutgoingOptions,
): Promise<OutgoingImage> {
  const { parseDocument } = await import('@boxkit/manifest/documents');
  const documents = new Map<Digest, OutgoingDocument>();
  const content: Descriptor[] = [];

  async function visit(descriptor: Descriptor, depth: number): Promise<void> {
    if (documents.has(descriptor.digest)) return;
    if (depth > depthLimit || documents.size >= documentLimit) throw tooMany(reference);
    const bytes = await blobs.read(descriptor, { signal: options.signal });
    const document = parseDocument(
      bytes,
      descriptor.mediaType,
      `the document ${descriptor.digest} of ${reference.text}`,
    );
    if (document.kind === 'index') {
      for (const entry of document.index.manifests) {
        if (documentKind(essence(entry.mediaType)) === undefined) content.push(entry);
        else await visit(entry, depth + 1);
      }
    } else {
      content.push(document.manifest.config, ...document.manifest.layers);
    }
    const { digest, size } = descriptor;
    documents.set(digest, { descriptor: { mediaType: document.mediaType, digest, size }, bytes });
  }

  await visit(root, 0);
  const last = documents.get(root.digest)?.descriptor ?? root;
  return {
    reference,
    names: options.names,
    root: last,
    documents: [...documents.values()],
    blobs: eachOnce(content),
    heldAt: options.heldAt ?? (() => []),
    open: options.open,
  };
}

/** The bytes of a blob, as a stream that opens when it is read. With `lent`, a chunk is good until the next is asked for. */
export async function* bytesOf(
  image: Pick<OutgoingImage, 'open'>,
  descriptor: Descriptor,
  options: OpenOutgoingOptions,
): AsyncGenerator<Uint8Array> {
  yield* await image.open(descriptor, options);
}

function eachOnce(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  const seen = new Map<Digest, Descriptor>();
  for (const descriptor of descriptors) if (!seen.has(descriptor.digest)) seen.set(descriptor.digest, descriptor);
  return [...seen.values()];
}

function tooMany({ text }: Reference): BoxError {
  return new BoxError('ERR_BOX_BUDGET_EXCEEDED', `cannot copy ${text}: its index is too deep or too long`, {
    fields: { depthLimit, documentLimit },
  });
}
