import { once } from 'node:events';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import type { OpenRecord } from './request-log.ts';

/** Does those faults that need nothing of the registry behind. Returns whether the request is done with. */
export function answerWithout(response: ServerResponse, record: OpenRecord): boolean {
  const { fault } = record;
  if (record.path.startsWith('/__loop/')) {
    redirect(response, `/__loop/${Number(record.path.slice(8)) + 1}`);
    return true;
  }
  switch (fault?.kind) {
    case 'status':
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      response.end(fault.body ?? JSON.stringify({ errors: [{ code: 'UNKNOWN', message: 'a scripted fault' }] }));
      return true;
    case 'body':
      response.writeHead(200, { 'content-type': fault.contentType ?? 'application/json' });
      response.end(fault.body);
      return true;
    case 'redirect':
      redirect(response, fault.to === 'loop' ? '/__loop/1' : fault.to, fault.status);
      return true;
    case 'endless':
      void pourEndlessly(response, record);
      return true;
    case 'garbage':
      response.socket?.end('220 mail.invalid ESMTP\r\n');
      return true;
    case 'reset':
      if (fault.after >= 0) return false;
      response.socket?.resetAndDestroy();
      return true;
    case 'stall':
      return fault.after < 0;
    default:
      return false;
  }
}

/** Hands on the registry's answer, harmed as the fault says. */
export async function sendThrough(
  incoming: IncomingMessage,
  response: ServerResponse,
  record: OpenRecord,
): Promise<void> {
  const { fault } = record;
  const length =
    incoming.headers['content-length'] === undefined ? undefined : Number(incoming.headers['content-length']);
  const headers: OutgoingHttpHeaders = { ...incoming.headers };
  delete headers['connection'];
  delete headers['transfer-encoding'];
  changeHeaders(headers, fault, length);
  response.writeHead(incoming.statusCode ?? 502, headers);

  const stopAt = cutAt(fault, length);
  let sent = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    const end = Math.min(chunk.length, stopAt - sent);
    const part = chunk.subarray(0, end);
    if (fault?.kind === 'corrupt') corrupt(part, sent, fault.at % (length ?? Number.POSITIVE_INFINITY));
    await pour(
      response,
      part,
      fault?.kind === 'drip' && sent < (fault.total ?? Number.POSITIVE_INFINITY) ? fault : undefined,
    );
    sent += part.length;
    record.bytes = sent;
    if (response.destroyed) return;
    if (sent >= stopAt) break;
  }
  finish(response, fault);
}

function changeHeaders(headers: OutgoingHttpHeaders, fault: Fault | undefined, length: number | undefined): void {
  if (fault?.kind === 'content-length' && length !== undefined) {
    headers['content-length'] = String(Math.max(0, length + fault.delta));
  }
  if (fault?.kind !== 'header') return;
  // oxlint-disable-next-line typescript/no-dynamic-delete -- the name is the script's
  if (fault.value === null) delete headers[fault.name];
  else headers[fault.name] = fault.value;
}

/** Where a cut falls: never behind the last byte, so that it is always felt. */
function cutAt(fault: Fault | undefined, length: number | undefined): number {
  if (fault?.kind !== 'reset' && fault?.kind !== 'truncate' && fault?.kind !== 'stall') return Number.POSITIVE_INFINITY;
  return length === undefined ? fault.after : Math.max(0, Math.min(fault.after, length - 1));
}

function corrupt(part: Buffer, offset: number, at: number): void {
  const index = at - offset;
  if (index >= 0 && index < part.length) part[index] = (part[index] ?? 0) ^ 0x55;
}

async function pour(
  response: ServerResponse,
  part: Buffer,
  drip: { readonly bytes: number; readonly every: number } | undefined,
): Promise<void> {
  const step = drip?.bytes ?? Math.max(1, part.length);
  for (let at = 0; at < part.length && !response.destroyed; at += step) {
    if (!response.write(part.subarray(at, at + step))) await writable(response);
    if (drip !== undefined) await sleep(drip.every);
  }
}

function finish(response: ServerResponse, fault: Fault | undefined): void {
  switch (fault?.kind) {
    case 'reset':
      response.flushHeaders();
      // Let what was written leave first: a reset discards what the kernel still holds.
      setTimeout(() => response.socket?.resetAndDestroy(), 20);
      return;
    case 'truncate':
    case 'content-length':
      response.flushHeaders();
      response.socket?.end();
      return;
    case 'stall':
      response.flushHeaders();
      return;
    default:
      response.end();
  }
}

async function pourEndlessly(response: ServerResponse, record: OpenRecord): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json' });
  // To a HEAD there is no body, and writes that go nowhere never fill up.
  if (record.method === 'HEAD') {
    response.end();
    return;
  }
  response.write('{"token":"');
  const more = Buffer.alloc(64 * 1024, 'a');
  while (!response.destroyed) {
    record.bytes += more.length;
    if (!response.write(more)) await writable(response);
  }
}

async function writable(response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  const leave = (): void => {
    gone.abort();
  };
  response.once('close', leave);
  await once(response, 'drain', { signal: gone.signal }).catch(() => undefined);
  response.off('close', leave);
}

function redirect(response: ServerResponse, location: string, status = 307): void {
  response.writeHead(status, { location });
  response.end();
}
