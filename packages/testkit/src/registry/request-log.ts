import type { IncomingMessage } from 'node:http';
import type { Fault, FaultRule, RequestKind, RequestMatch } from './faults.ts';

/** One request as it came, and what became of it. */
export interface RecordedRequest {
  /** Which server took it. */
  readonly origin: 'registry' | 'storage';
  readonly kind: RequestKind;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Names in lower case, values as they came; repeated ones joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body of a token request (its form), otherwise empty. */
  readonly body: string;
  readonly fault?: Fault;
  /** 0 until an answer was begun. */
  readonly status: number;
  /** Bytes of the body that were sent. */
  readonly bytes: number;
}

export type OpenRecord = { -readonly [Key in keyof RecordedRequest]: RecordedRequest[Key] };

/** Writes down a request that has just come. */
export function recordOf(request: IncomingMessage, origin: RecordedRequest['origin']): OpenRecord {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at]?.toLowerCase() ?? '';
    const value = request.rawHeaders[at + 1] ?? '';
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  const path = request.url ?? '/';
  const kind = origin === 'storage' ? 'storage' : kindOf(path);
  return { origin, kind, method: request.method ?? 'GET', path, headers, body: '', status: 0, bytes: 0 };
}

function kindOf(path: string): RequestKind {
  if (/^\/v2\/?(\?|$)/.test(path)) return 'ping';
  if (/^\/v2\/.+\/manifests\//.test(path)) return 'manifest';
  if (/^\/v2\/.+\/blobs\/uploads\//.test(path)) return 'upload';
  if (/^\/v2\/.+\/blobs\/[a-z0-9]+:/.test(path)) return 'blob';
  if (path.startsWith('/__token')) return 'token';
  return 'other';
}

/** Counts a script's rules down; gives the fault that befalls a request. */
export function faultPicker(script: readonly FaultRule[]): (request: RecordedRequest) => Fault | undefined {
  const rules = script.map((rule) => ({ rule, skip: rule.skip ?? 0, left: rule.times ?? 1 }));
  return (request) => {
    for (const state of rules) {
      if (state.left <= 0 || !matches(state.rule.match ?? {}, request)) continue;
      if (state.skip > 0) {
        state.skip--;
        continue;
      }
      state.left--;
      return state.rule.fault;
    }
    return undefined;
  };
}

function matches(match: RequestMatch, request: RecordedRequest): boolean {
  if (match.kind !== undefined && ![match.kind].flat().includes(request.kind)) return false;
  if (match.method !== undefined && match.method !== request.method) return false;
  if (match.path !== undefined && !match.path.test(request.path)) return false;
  return match.range === undefined || match.range === 'range' in request.headers;
}
