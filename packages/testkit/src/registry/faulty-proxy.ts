import { randomUUID } from 'node:crypto';
import {
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerWithout, sendThrough } from './fault-effects.ts';
import type { FaultRule } from './faults.ts';
import type { ProxyStart } from './proxy-protocol.ts';
import { faultPicker, recordOf, type OpenRecord, type RecordedRequest } from './request-log.ts';
import { proxyTokens } from './proxy-tokens.ts';

export interface Proxy {
  readonly registry: RequestListener;
  readonly storage: RequestListener;
  readonly requests: RecordedRequest[];
  setScript(script: readonly FaultRule[]): void;
}

/** Where a signed URL leads, and the right to it that its first asker had. */
interface Signed {
  readonly path: string;
  readonly authorization: string | undefined;
}

/** Hands on the first bytes of a request, and resets both connections. */
function cutRequest(request: IncomingMessage, outgoing: ClientRequest, after: number): void {
  let left = after;
  outgoing.flushHeaders();
  request.on('data', (chunk: Buffer) => {
    if (left > 0) outgoing.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) cut();
  });
  request.on('end', cut);
  function cut(): void {
    // Let what was written arrive: a reset discards what the kernel still holds.
    setTimeout(() => {
      outgoing.destroy();
      request.socket.resetAndDestroy();
    }, 20);
  }
}

/** The two servers' behaviour. `storageOrigin` is asked late, because its port is not known at first. */
export function createProxy(options: ProxyStart, storageOrigin: () => string): Proxy {
  const requests: RecordedRequest[] = [];
  const tokens = proxyTokens(options);
  const signed = new Map<string, Signed>();
  let pick = faultPicker(options.script);

  const begin = (request: IncomingMessage, response: ServerResponse, origin: 'registry' | 'storage'): OpenRecord => {
    const record = recordOf(request, origin);
    const fault = pick(record);
    if (fault !== undefined) record.fault = fault;
    requests.push(record);
    response.on('error', () => undefined);
    const write = response.writeHead.bind(response);
    response.writeHead = (status: number, ...rest: unknown[]) => {
      record.status = status;
      return Reflect.apply(write, response, [status, ...rest]) as ServerResponse;
    };
    return record;
  };

  const forward = async (
    exchange: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly record: OpenRecord },
    target: Signed,
  ): Promise<void> => {
    const { request, response, record } = exchange;
    const headers = { ...request.headers };
    delete headers.authorization;
    delete headers['connection'];
    if (target.authorization !== undefined) headers.authorization = target.authorization;
    if (record.fault?.kind === 'ignore-range') delete headers.range;
    const url = new URL(target.path, options.upstream);
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = send(url, { method: record.method, headers, rejectUnauthorized: false, agent: false });
    response.once('close', () => outgoing.destroy());
    if (record.fault?.kind === 'reset-request') cutRequest(request, outgoing, record.fault.after);
    else request.pipe(outgoing);
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve);
      outgoing.once('error', reject);
    });
    if (record.fault?.kind === 'lose-answer') {
      incoming.resume();
      response.socket?.resetAndDestroy();
      return;
    }
    tokens.rewriteChallenge(incoming, request.headers.host ?? '');
    await sendThrough(incoming, response, record);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const record = begin(request, response, 'registry');
    if (record.kind === 'token') record.body = (await buffer(request)).toString();
    if (record.fault?.kind === 'delay') await sleep(record.fault.wait);
    if (record.fault?.kind === 'redirect' && record.fault.to === 'storage') {
      const key = randomUUID();
      const authorization = tokens.upstreamAuthorization(request.headers.authorization);
      signed.set(key, { path: record.path, authorization });
      response.writeHead(record.fault.status ?? 307, {
        location: `${storageOrigin()}/signed/${key}?X-Signature=${key}`,
      });
      response.end();
      return;
    }
    if (answerWithout(response, record)) return;
    if (record.kind === 'token') {
      await tokens.answer(request, response, record);
      return;
    }
    if (record.fault?.kind === 'unauthorized' || !tokens.admit(request.headers.authorization)) {
      tokens.challenge(request, response, record);
      return;
    }
    const authorization = tokens.upstreamAuthorization(request.headers.authorization);
    await forward({ request, response, record }, { path: record.path, authorization });
  };

  const handleStorage = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const record = begin(request, response, 'storage');
    const target = signed.get(/^\/signed\/([^?]+)/.exec(record.path)?.[1] ?? '');
    if (record.fault?.kind === 'delay') await sleep(record.fault.wait);
    if (answerWithout(response, record)) return;
    if (target === undefined || request.headers.authorization !== undefined) {
      // As S3 does: "Only one auth mechanism allowed".
      response.writeHead(target === undefined ? 404 : 400, { 'content-type': 'application/xml' });
      response.end('<Error><Code>InvalidArgument</Code></Error>');
      return;
    }
    await forward({ request, response, record }, target);
  };

  const guarded =
    (handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>): RequestListener =>
    (request, response) => {
      handler(request, response).catch(() => response.destroy());
    };
  return {
    registry: guarded(handle),
    storage: guarded(handleStorage),
    requests,
    setScript: (script) => {
      pick = faultPicker(script);
    },
  };
}
