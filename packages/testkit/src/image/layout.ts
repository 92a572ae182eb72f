import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MediaType } from '@boxkit/contracts';
import type { BuiltDocument } from './image.ts';
import type { BuiltBlob } from './layer.ts';

/** A document with the name it is to have: `org.opencontainers.image.ref.name`. */
export interface NamedDocument {
  readonly document: BuiltDocument;
  readonly name?: string;
}

/** Writes an OCI image layout (image-spec, image-layout.md) into `directory`, which is made. */
export async function writeOciLayout(directory: string, named: readonly NamedDocument[]): Promise<void> {
  await mkdir(join(directory, 'blobs/sha256'), { recursive: true });
  for (const blob of named.flatMap(({ document }) => allBlobs(document))) {
    await writeFile(join(directory, 'blobs', blob.descriptor.digest.replace(':', '/')), blob.bytes);
  }
  const manifests = named.map(({ document, name }) => ({
    ...document.descriptor,
    ...(name === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': name } }),
  }));
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(
    join(directory, 'index.json'),
    JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }),
  );
}

/** The document itself and all below it. */
export function allBlobs(document: BuiltDocument): readonly BuiltBlob[] {
  return [document, ...document.blobs, ...document.documents.flatMap(allBlobs)];
}
