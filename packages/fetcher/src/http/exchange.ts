import type http from 'node:http';
import type https from 'node:https';
import { idleError } from './body.ts';
import { nodeHttp, nodeHttps } from './node-http.ts';

/** A request's body that is made while it is sent, and again when the request is repeated. */
export interface StreamBody {
  /** Bytes; what `open` yields must be exactly this much. */
  readonly length: number;
  /** A chunk must be good until the next is asked for. */
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** What `cause` was thrown while a body was made: no fault of the connection's. */
export class BodyFailure extends Error {}

/** Bodies longer than this, in bytes, wait for the server's consent: it may want a token first, or not want it at all. */
const consentAbove = 1 << 20;
/** Milliseconds; a server that knows no `Expect` says nothing. RFC 9110, 10.1.1. */
const consentTimeout = 1000;

/** Sends one request; resolves to its answer, which may come before all of the body is sent. */
export function exchange(
  options: Omit<https.RequestOptions, 'headers'> & { readonly headers: Readonly<Record<string, string>> },
  body: string | StreamBody | undefined,
  idleTimeout: number,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const streamed = typeof body === 'object' ? body : undefined;
    const asks = streamed !== undefined && streamed.length > consentAbove;
    const headers = {
      ...options.headers,
      ...(streamed && { 'content-length': String(streamed.length) }),
      ...(asks && { expect: '100-continue' }),
    };
    const request = (options.protocol === 'https:' ? nodeHttps() : nodeHttp()).request({ ...options, headers });
    const timer = setTimeout(() => request.destroy(idleError(idleTimeout)), idleTimeout);
    const answered = new AbortController();
    request.once('response', (response) => {
      clearTimeout(timer);
      answered.abort();
      // An abort after this makes the response fail, which its reader sees; unread, it must not end the process.
      response.on('error', () => {});
      // An answer before the end of the body leaves a connection that nothing else can use.
      response.once('close', () => {
        if (!request.writableFinished) request.destroy();
      });
      resolve(response);
    });
    request.once('upgrade', (_response, socket) => {
      socket.destroy();
      reject(new Error('it changes to another protocol (status 101), which nobody asked for'));
    });
    // The last event of all: whatever ended the request, nobody waits for it any longer.
    request.once('close', () => {
      clearTimeout(timer);
      answered.abort();
      reject(Object.assign(new Error('the connection was closed without an answer'), { code: 'ECONNRESET' }));
    });
    // Kept for the whole life of the request: a reset may come after the response.
    request.on('error', (error) => {
      clearTimeout(timer);
      answered.abort();
      reject(error);
    });
    if (streamed === undefined) {
      request.end(body);
      return;
    }
    feed(request, streamed, { asks, answered: answered.signal, moved: () => timer.refresh() }).catch(
      (error: unknown) => {
        // The first reason is the true one: what the destroyed request says later is ignored by the promise.
        clearTimeout(timer);
        reject(new BodyFailure('the body of a request failed', { cause: error }));
        request.destroy();
      },
    );
  });
}

interface Feeding {
  readonly asks: boolean;
  /** Aborted when there is an answer or a failure, after which no more is sent. */
  readonly answered: AbortSignal;
  readonly moved: () => void;
}

async function feed(request: http.ClientRequest, body: StreamBody, feeding: Feeding): Promise<void> {
  const { answered, asks, moved } = feeding;
  if (asks) {
    request.flushHeaders();
    await first(request, ['continue'], answered, consentTimeout);
  }
  if (answered.aborted) return;
  for await (const chunk of body.open(answered)) {
    if (answered.aborted) return;
    await written(request, chunk, answered);
    moved();
  }
  if (!answered.aborted) request.end();
}

/** Resolves when the kernel has the bytes, or nobody wants them any more. */
function written(request: http.ClientRequest, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done);
    request.write(chunk, done);
  });
}

/** Resolves at the first of some events, an abort, or the end of a time in milliseconds. */
function first(
  request: http.ClientRequest,
  events: readonly string[],
  signal: AbortSignal,
  timeout?: number,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const event of events) request.off(event, done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = timeout === undefined ? undefined : setTimeout(done, timeout);
    for (const event of events) request.once(event, done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
