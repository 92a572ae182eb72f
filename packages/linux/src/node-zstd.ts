import { bind } from './libc.ts';

/** Returns 0 at the end of a frame, else more than that; minus ZSTD_ErrorCode for a failure. */
const decompressStream = bind(
  'int64_t ZSTD_decompressStream_simpleArgs(void *context, void *target, uint64_t targetSize, void *targetAt, const void *source, uint64_t sourceSize, void *sourceAt)',
) as (
  context: unknown,
  target: Uint8Array,
  targetSize: number,
  targetAt: BigUint64Array,
  source: Uint8Array,
  sourceSize: number,
  sourceAt: BigUint64Array,
) => number;
const createContext = bind('void *ZSTD_createDCtx()') as () => unknown;
const freeContext = bind('int64_t ZSTD_freeDCtx(void *context)');
const errorName = bind('const char *ZSTD_getErrorName(int64_t result)') as unknown as (result: number) => string;
/** Of ZSTD_ErrorCode, and what Node calls them. */
const codes = new Map([
  [16, 'ZSTD_error_frameParameter_windowTooLarge'],
  [32, 'ZSTD_error_dictionary_wrong'],
]);

let known: boolean | undefined;

/** Whether the zstd that Node carries can be called: a Node that was built otherwise need not show it. */
export function hasZstd(): boolean {
  if (known === undefined) {
    try {
      new ZstdDecoder().free();
      known = true;
    } catch {
      known = false;
    }
  }
  return known;
}

/** Why zstd gave up; `code` as Node's own streams have it: a window of more than 128 MiB, a dictionary, or damage. */
export class ZstdError extends Error {
  readonly code: string;

  constructor(result: number) {
    super(errorName(result));
    this.code = codes.get(-result) ?? 'ZSTD_error_GENERIC';
  }
}

/**
 * The zstd that Node carries, called directly: Node's own way to it is a stream, which takes an event loop, a thread for
 * each chunk and a buffer of its own. Frames in a row are one stream, and those to be skipped are. RFC 8878.
 */
export class ZstdDecoder {
  readonly #context = createContext();
  readonly #consumed = new BigUint64Array(1);
  readonly #produced = new BigUint64Array(1);
  /** Bytes that the last call took from its source. */
  consumed = 0;
  /** Whether the last call ended with the end of a frame, all of which has been given out. */
  atEnd = true;

  constructor() {
    if (this.#context === null) throw new RangeError('there is no memory for zstd');
    // Binds what is needed, so that it is known to be there.
    this.decode(new Uint8Array(1), new Uint8Array(1), 0);
  }

  /** Decompresses what fits from `source` into `target`. Returns the number of bytes there. Throws ZstdError. */
  decode(target: Uint8Array, source: Uint8Array, sourceSize = source.length): number {
    this.#produced[0] = this.#consumed[0] = 0n;
    const result = decompressStream(
      this.#context,
      target,
      target.length,
      this.#produced,
      source,
      sourceSize,
      this.#consumed,
    );
    if (result < 0) throw new ZstdError(result);
    this.consumed = Number(this.#consumed[0]);
    const produced = Number(this.#produced[0]);
    // With nothing to do it says what it would need, which is no news.
    if (this.consumed > 0 || produced > 0) this.atEnd = result === 0;
    return produced;
  }

  /** Gives its memory back; nothing may be decoded after that. */
  free(): void {
    freeContext(this.#context);
  }
}
