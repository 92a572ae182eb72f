import { createHash, type Hash } from 'node:crypto';
import { BoxError, digestParts, type Descriptor, type OutgoingImage, type SourceStream } from '@boxkit/contracts';

/** Opens the bytes of a blob from an offset, or from before it; nobody has checked them. */
export type OpenRaw = (
  descriptor: Descriptor,
  options: { readonly offset: number; readonly signal: AbortSignal; readonly lent: boolean },
) => Promise<SourceStream>;

/** How far a blob has been read in one go from its start. */
interface Progress {
  readonly hash: Hash;
  position: number;
}

/**
 * Verifies what it opens: whoever reads a blob to its end from 0, or goes on from where an earlier reader of it was cut off,
 * gets an error instead of an end when size or digest is wrong. `wrong` makes that error.
 */
export function verifiedOpen(
  open: OpenRaw,
  wrong: (descriptor: Descriptor, received: { readonly size: number; readonly digest?: string }) => Error = mismatch,
): OutgoingImage['open'] {
  const started = new Map<string, Progress>();

  function progressAt(descriptor: Descriptor, offset: number): Progress {
    const known = started.get(descriptor.digest);
    if (known !== undefined && offset > 0 && offset <= known.position) return known;
    const fresh = { hash: createHash(digestParts(descriptor.digest).algorithm), position: 0 };
    started.set(descriptor.digest, fresh);
    return fresh;
  }

  return async (descriptor, { offset = 0, signal, lent = false }) => {
    const progress = progressAt(descriptor, offset);
    // Bytes that no earlier reader has hashed must be read again, though nobody wants them.
    const from = Math.min(offset, progress.position);
    const stream = await open(descriptor, { offset: from, signal, lent });
    return { startedAt: offset, [Symbol.asyncIterator]: () => checked(stream, descriptor, { progress, offset }) };
  };

  async function* checked(
    stream: SourceStream,
    descriptor: Descriptor,
    { progress, offset }: { readonly progress: Progress; readonly offset: number },
  ): AsyncGenerator<Uint8Array> {
    let at = stream.startedAt;
    for await (const chunk of stream) {
      const end = at + chunk.length;
      if (end > descriptor.size) throw wrong(descriptor, { size: end });
      if (end > progress.position) {
        progress.hash.update(chunk.subarray(Math.max(0, progress.position - at)));
        progress.position = end;
      }
      const wanted = chunk.subarray(Math.min(chunk.length, Math.max(0, offset - at)));
      at = end;
      // The last bytes wait until the whole is known to be right, so that a receiver by length never ends well.
      if (end === descriptor.size) finish(descriptor, progress);
      if (wanted.length > 0) yield wanted;
    }
    if (at !== descriptor.size) throw wrong(descriptor, { size: at });
    if (descriptor.size === 0) finish(descriptor, progress);
  }

  function finish(descriptor: Descriptor, progress: Progress): void {
    const { algorithm, hex } = digestParts(descriptor.digest);
    const received = progress.hash.copy().digest('hex');
    if (received !== hex) throw wrong(descriptor, { size: descriptor.size, digest: `${algorithm}:${received}` });
  }
}

function mismatch(
  descriptor: Descriptor,
  { size, digest }: { readonly size: number; readonly digest?: string },
): BoxError {
  const fields = { digest: descriptor.digest, expected: descriptor.size, received: size };
  if (digest === undefined) {
    return new BoxError(
      'ERR_BOX_SIZE_MISMATCH',
      `cannot copy ${descriptor.digest}: its descriptor says ${descriptor.size} bytes, ${size} came`,
      { fields },
    );
  }
  return new BoxError(
    'ERR_BOX_DIGEST_MISMATCH',
    `cannot copy ${descriptor.digest}: its bytes have the digest ${digest}`,
    {
      fields: { expected: descriptor.digest, received: digest },
    },
  );
}
