import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type zlibModule from 'node:zlib';
import { RegistryError } from './errors.ts';
import { redactUrl } from './redact.ts';
import type { HttpResponse } from './transport.ts';

const zlib = (): typeof zlibModule => process.getBuiltinModule('node:zlib');

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib().createGunzip(),
  'x-gzip': () => zlib().createGunzip(),
  deflate: () => zlib().createInflate(),
  br: () => zlib().createBrotliDecompress(),
  zstd: () => zlib().createZstdDecompress(),
};

/** Codings that are undone for one answer: more are a trick. */
const codingLimit = 3;

/**
 * The codings of a body, the last applied first. box asks for none, but some proxies compress whatever passes. What it
 * does not know is left out: S3 serves plain bytes as `aws-chunked`, and digests tell in the end. RFC 9110, 8.4.
 */
export function codingsOf({ headers }: Pick<HttpResponse, 'headers'>): readonly string[] {
  return (headers['content-encoding'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => Object.hasOwn(decoders, name))
    .slice(0, codingLimit)
    .toReversed();
}

/** The body of a response as it was before it was coded for the way. Throws ERR_BOX_REGISTRY_PROTOCOL for damaged codings. */
export function contentOf(response: HttpResponse): AsyncIterable<Uint8Array> {
  return codingsOf(response).reduce((body, name) => decoded(body, name, response.url), response.body);
}

async function* decoded(body: AsyncIterable<Uint8Array>, name: string, url: URL): AsyncGenerator<Uint8Array> {
  const decoder = decoders[name]?.();
  if (decoder === undefined) return yield* body;
  const fed = pipeline(body, decoder);
  // Awaited below; a failure before the reader gets there is no unhandled one.
  fed.catch(() => {});
  try {
    yield* decoder as AsyncIterable<Uint8Array>;
    await fed;
  } catch (cause) {
    if (!/^(?:Z_|ZSTD_|ERR_(?!BOX_))/.test((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
    throw new RegistryError(
      'ERR_BOX_REGISTRY_PROTOCOL',
      `cannot read the answer of ${redactUrl(url)}: it is said to be coded as ${name}, and is not, or is cut short`,
      { url, cause, transient: true },
    );
  }
}
