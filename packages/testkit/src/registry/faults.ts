/** What is done to one response. Plain data, so that it crosses a thread and prints in a failing test's name. */
export type Fault =
  /** A TCP reset after `after` bytes of the body; before the status line when negative. */
  | { readonly kind: 'reset'; readonly after: number }
  /** A TCP reset after `after` bytes of the request's own body, which go on to the registry as far as they came. */
  | { readonly kind: 'reset-request'; readonly after: number }
  /** The registry does what it was asked, and a TCP reset comes instead of its answer. */
  | { readonly kind: 'lose-answer' }
  /** The connection closes in order after `after` bytes, with a Content-Length that promised all. */
  | { readonly kind: 'truncate'; readonly after: number }
  /** One byte of the body is changed, `at` modulo its length. */
  | { readonly kind: 'corrupt'; readonly at: number }
  /** Silence after `after` bytes (before the status line when negative) for as long as the client stays. */
  | { readonly kind: 'stall'; readonly after: number }
  /** `bytes` at a time, every `every` milliseconds, for the first `total` bytes (default: all). */
  | { readonly kind: 'drip'; readonly bytes: number; readonly every: number; readonly total?: number }
  /** Milliseconds before the answer. */
  | { readonly kind: 'delay'; readonly wait: number }
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** 401 with a challenge, as when a token expires in the middle of a pull. */
  | { readonly kind: 'unauthorized' }
  /**
   * `loop`: to a place that redirects again, without end. `storage`: to a signed URL on another origin, which
   * refuses a request that carries an Authorization header. Anything else is a URL.
   */
  | { readonly kind: 'redirect'; readonly to: 'loop' | 'storage' | (string & {}); readonly status?: number }
  /** A Range header is answered with 200 and the whole blob. */
  | { readonly kind: 'ignore-range' }
  /** The Content-Length is wrong by `delta` bytes. */
  | { readonly kind: 'content-length'; readonly delta: number }
  /** A header is replaced, or left out when null: a wrong Docker-Content-Digest, say. */
  | { readonly kind: 'header'; readonly name: string; readonly value: string | null }
  | { readonly kind: 'body'; readonly body: string; readonly contentType?: string }
  /** 200 and a JSON document that never ends. */
  | { readonly kind: 'endless' }
  /** Bytes that are no HTTP. */
  | { readonly kind: 'garbage' };

/** What a request asks for: `storage` is a blob at the other origin that a redirect led to, `upload` a step of a push. */
export type RequestKind = 'ping' | 'manifest' | 'blob' | 'upload' | 'token' | 'storage' | 'other';

/** Which requests a fault befalls: those for which all that is given holds. */
export interface RequestMatch {
  readonly kind?: RequestKind | readonly RequestKind[];
  readonly method?: string;
  /** Matched against the path with its query. */
  readonly path?: RegExp;
  /** Whether the request has a Range header. */
  readonly range?: boolean;
}

export interface FaultRule {
  readonly match?: RequestMatch;
  /** How many matching requests go unharmed first; default 0. */
  readonly skip?: number;
  /** How many are harmed; default 1, `Infinity` for all. */
  readonly times?: number;
  readonly fault: Fault;
}

/** 429 with Retry-After in seconds. */
export function limited(seconds: number): Fault {
  return { kind: 'status', status: 429, headers: { 'retry-after': String(seconds) } };
}

/** 429 with Retry-After as an HTTP date, whose resolution is a second. */
export function limitedUntil(date: Date): Fault {
  return { kind: 'status', status: 429, headers: { 'retry-after': date.toUTCString() } };
}

/** A function that gives numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/**
 * A script of one to six faults, the same for the same seed. `blobSize` (bytes, default 100 000) is the range of
 * the offsets. About one rule in eight never ends, so that a pull must give up with an error.
 */
export function randomFaults(seed: number, options: { readonly blobSize?: number } = {}): FaultRule[] {
  const random = seededRandom(seed);
  const size = options.blobSize ?? 100_000;
  const integer = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(choices: readonly [T, ...T[]]): T => choices[integer(choices.length)] ?? choices[0];
  const makers: readonly [() => Fault, ...(() => Fault)[]] = [
    () => ({ kind: 'reset', after: integer(size) - 1 }),
    () => ({ kind: 'reset', after: integer(size) }),
    () => ({ kind: 'truncate', after: integer(size) }),
    () => ({ kind: 'corrupt', at: integer(size) }),
    () => ({ kind: 'stall', after: integer(size) - 1 }),
    () => ({ kind: 'drip', bytes: 1 + integer(2000), every: 1, total: 20_000 }),
    () => ({ kind: 'delay', wait: integer(50) }),
    () => ({ kind: 'status', status: pick([500, 502, 503, 504, 404, 403, 400, 416]) }),
    () => limited(pick([0, 1])),
    () => limitedUntil(new Date(Date.now() + pick([-1000, 0, 1000]))),
    () => ({ kind: 'unauthorized' }),
    () => ({ kind: 'redirect', to: pick(['loop', 'storage', 'storage', 'storage']), status: pick([302, 307, 308]) }),
    () => ({ kind: 'ignore-range' }),
    () => ({ kind: 'content-length', delta: pick([-100, -1, 1, 1000]) }),
    () => ({ kind: 'header', name: 'docker-content-digest', value: `sha256:${'0'.repeat(64)}` }),
    () => ({ kind: 'header', name: pick(['content-length', 'content-type', 'docker-content-digest']), value: null }),
    () => ({ kind: 'body', body: pick(['', '{}', 'null', '<html>sign in</html>', '{"schemaVersion":2}']) }),
    () => ({ kind: 'endless' }),
    () => ({ kind: 'garbage' }),
  ];
  return Array.from({ length: 1 + integer(6) }, () => ({
    match: { kind: pick<RequestKind>(['blob', 'blob', 'blob', 'storage', 'manifest', 'token', 'ping']) },
    skip: integer(4),
    times: random() < 0.125 ? Number.POSITIVE_INFINITY : 1 + integer(3),
    fault: pick(makers)(),
  }));
}

/** As `randomFaults`, for pushes: what befalls requests with bodies, and the answers to them. */
export function randomUploadFaults(seed: number, options: { readonly blobSize?: number } = {}): FaultRule[] {
  const random = seededRandom(seed);
  const size = options.blobSize ?? 100_000;
  const integer = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(choices: readonly [T, ...T[]]): T => choices[integer(choices.length)] ?? choices[0];
  const makers: readonly [() => Fault, ...(() => Fault)[]] = [
    () => ({ kind: 'reset-request', after: integer(size) }),
    () => ({ kind: 'reset-request', after: integer(size) }),
    () => ({ kind: 'lose-answer' }),
    () => ({ kind: 'reset', after: -1 }),
    () => ({ kind: 'stall', after: -1 }),
    () => ({ kind: 'delay', wait: integer(50) }),
    () => ({ kind: 'status', status: pick([500, 502, 503, 504, 404, 403, 400, 405, 413, 416]) }),
    () => limited(pick([0, 1])),
    () => ({ kind: 'unauthorized' }),
    () => ({ kind: 'redirect', to: pick(['loop', 'storage', 'storage', 'storage']), status: pick([302, 307, 308]) }),
    () => ({
      kind: 'header',
      name: pick(['location', 'range', 'docker-content-digest', 'content-length']),
      value: null,
    }),
    () => ({ kind: 'header', name: 'docker-content-digest', value: `sha256:${'0'.repeat(64)}` }),
    () => ({ kind: 'header', name: 'range', value: pick(['0-0', '0-99999999', 'nonsense', '0-10']) }),
    () => ({ kind: 'body', body: pick(['', '{}', 'null', '<html>sign in</html>']) }),
    () => ({ kind: 'endless' }),
    () => ({ kind: 'garbage' }),
  ];
  return Array.from({ length: 1 + integer(6) }, () => ({
    match: {
      kind: pick<RequestKind>(['upload', 'upload', 'upload', 'upload', 'blob', 'storage', 'manifest', 'token']),
    },
    skip: integer(6),
    times: random() < 0.125 ? Number.POSITIVE_INFINITY : 1 + integer(3),
    fault: pick(makers)(),
  }));
}
