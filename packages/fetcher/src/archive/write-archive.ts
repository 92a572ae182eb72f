import type { DestinationContext, OutgoingImage } from '@boxkit/contracts';
import { asOci } from '../oci/destination.ts';
import { layoutFiles } from '../oci/layout-files.ts';
import { publishTar, tarBytes, type OutputFile, type TarEncoder } from './output.ts';
import { savedFiles } from './write-saved.ts';

/** `docker-archive` is for docker load and is a layout too; `oci-archive` is a layout with manifests of the OCI's alone. */
export type ArchiveFormat = 'docker-archive' | 'oci-archive';

/**
 * Writes images as one tar: staged beside it, synced, renamed. A file that was there is replaced whole. The same images
 * make the same bytes; `encode` makes others of them before they are written. Throws ERR_BOX_SYSTEM_CALL for the disk's errors, ERR_BOX_USAGE where no regular file can be.
 */
export async function writeArchive(
  images: readonly OutgoingImage[],
  format: ArchiveFormat,
  file: string,
  context: DestinationContext,
  encode?: TarEncoder,
): Promise<void> {
  const { signal } = context;
  await publishTar(filesOf(images, format, context), file, { signal, ...(encode === undefined ? {} : { encode }) });
}

/** The bytes of such a tar, for a pipe. With `lent`, a chunk is good until the next is asked for. */
export function archiveBytes(
  images: readonly OutgoingImage[],
  format: ArchiveFormat,
  context: DestinationContext,
  lent = false,
): AsyncGenerator<Uint8Array, void, undefined> {
  return tarBytes(filesOf(images, format, context), lent);
}

function filesOf(
  images: readonly OutgoingImage[],
  format: ArchiveFormat,
  context: DestinationContext,
): readonly OutputFile[] {
  if (format === 'docker-archive') return savedFiles(images, undefined, context);
  return layoutFiles(asOci(images, context), undefined, context);
}
