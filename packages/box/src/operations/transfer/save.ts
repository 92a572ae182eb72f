import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { BoxError, writeReason } from '@boxkit/contracts';
import type { DestinationContext, OutgoingImage } from '@boxkit/contracts';
import type { PullOptions } from '../../options.ts';
import { openScope, platformOption } from '../machine.ts';
import type { Machine } from '../machine.ts';
import { openOutgoing } from './open-outgoing.ts';
import { compressionNamed } from '../compression-named.ts';
import { findStored } from './places.ts';

export interface SaveOptions extends PullOptions {
  /** The path of a file, which is made or replaced whole; or a stream, which is not ended. */
  readonly to: string | Writable;
  /** Default `docker-archive`, which docker, podman and skopeo load, and which is an image layout too. */
  readonly format?: 'docker-archive' | 'oci-archive';
  /** All platforms of each image; for `oci-archive`. */
  readonly all?: boolean;
  /** Of the archive as a whole, on all processors; layers in it stay as they are. Default: as the file's name says (`.gz`, `.tgz`, `.zst`), else none. */
  readonly compression?: 'none' | 'gzip' | 'zstd';
  /** gzip: 0 to 9, zstd: 1 to 22. */
  readonly level?: number;
}

/**
 * Writes images with their names as one archive; the same images make the same bytes, on each run and machine. Throws
 * ERR_BOX_IMAGE_UNKNOWN and what reading throws; a file is there whole or as it was.
 */
export async function save(references: readonly string[], options: SaveOptions, machine: Machine): Promise<void> {
  if (references.length === 0) throw new BoxError('ERR_BOX_USAGE', 'cannot save images: none was named');
  const encode = await encoderFor(options);
  await using scope = openScope(machine, options);
  const { archiveBytes, writeArchive } = await import('@boxkit/fetcher');
  const { context } = scope;
  const choice = { ...(await platformOption(options.platform)), all: options.all === true };
  const images: OutgoingImage[] = [];
  for (const text of new Set(references)) {
    images.push(await openOutgoing(await findStored(text, choice, scope), choice, scope));
  }
  const { to, format = 'docker-archive' } = options;
  const how: DestinationContext = {
    signal: context.signal,
    store: context.store,
    logger: context.logger,
    emit: (event) => context.emit(event),
    defer: (cleanup) => context.defer(cleanup),
  };
  if (typeof to === 'string') await writeArchive(images, format, resolve(to), how, encode);
  else if (encode !== undefined) await pour(encode(archiveBytes(images, format, how, true)), to, context.signal);
  // Standard output has taken a chunk when it calls back; another stream may keep it.
  else await pour(archiveBytes(images, format, how, to === process.stdout), to, context.signal);
}

/** Undefined for an archive that is written as it is. Throws ERR_BOX_USAGE for a level that there is not. */
async function encoderFor({ to, compression, level }: SaveOptions) {
  const chosen = compression ?? compressionNamed(typeof to === 'string' ? to : undefined);
  if (chosen === 'none' && level === undefined) return undefined;
  const { checkLevel, compressLayer } = await import('@boxkit/layer-applier');
  const how = { compression: chosen, ...(level === undefined ? {} : { level }) };
  checkLevel(how);
  return (tar: AsyncIterable<Uint8Array>) => compressLayer(tar, how);
}

async function pour(bytes: AsyncIterable<Uint8Array>, to: Writable, signal: AbortSignal): Promise<void> {
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    await new Promise<void>((done, fail) => {
      to.write(chunk, (error) => (error instanceof Error ? fail(unwritable(error)) : done()));
    });
  }
}

function unwritable(cause: NodeJS.ErrnoException): BoxError {
  return new BoxError('ERR_BOX_SYSTEM_CALL', `cannot write the archive to its stream: ${writeReason(cause)}`, {
    cause,
    hint: 'What was written is no whole archive: save the images anew.',
    fields: { errno: cause.code ?? 'unknown' },
  });
}
