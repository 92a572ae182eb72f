import { BoxError } from '@boxkit/contracts';

/** How deep a document may nest. Real ones reach about 8; engines that recurse fall over at some thousands. */
export const depthLimit = 64;

/**
 * Parses untrusted JSON: strict UTF-8, nesting bounded before anything recurses, and no object with the same key
 * twice, because two readers of it could disagree. `what` names the document in errors (ERR_BOX_DOCUMENT_INVALID).
 */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid(what, 'it is not UTF-8', cause);
  }
  checkStructure(text, what);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(what, isCutOff(cause) ? cutOff(text) : `it is not JSON${excerpt(text)}`, cause);
  }
}

/** V8 says so of text that could go on. */
function isCutOff(cause: unknown): boolean {
  return /^(?:Unexpected end of JSON input|Unterminated string)/.test((cause as Error).message);
}

function cutOff(text: string): string {
  return text === '' ? 'it is empty' : `it ends early, after ${Buffer.byteLength(text)} bytes`;
}

// Says `(it starts with "<!DOCTYPE html")`, for registries that answer with a web page.
function excerpt(text: string): string {
  return ` (it starts with ${JSON.stringify(text.slice(0, 40))})`;
}

interface Level {
  /** The keys met so far; undefined in an array. */
  readonly keys: Set<string> | undefined;
  key: string;
  index: number;
}

/**
 * Walks the structure without recursion and in one pass (a pattern would be quadratic for text made to be so).
 * Text that is no JSON is left for JSON.parse to refuse.
 */
function checkStructure(text: string, what: string): void {
  const open: Level[] = [];
  let quoted = '';
  for (let at = 0; at < text.length; at++) {
    const top = open.at(-1);
    switch (text[at]) {
      case '{':
      case '[':
        if (open.length >= depthLimit) throw invalid(what, `it nests deeper than ${depthLimit} levels`);
        open.push({ keys: text[at] === '{' ? new Set() : undefined, key: '', index: 0 });
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case ',':
        if (top !== undefined) top.index += 1;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (end === -1) return;
        quoted = text.slice(at, end + 1);
        at = end;
        break;
      }
      case ':':
        if (top?.keys !== undefined) addKey(top.keys, top, decodeKey(quoted), open, what);
        break;
      default:
    }
  }
}

function addKey(keys: Set<string>, level: Level, key: string, open: readonly Level[], what: string): void {
  level.key = key;
  if (keys.has(key)) throw invalid(what, `${pathOf(open)}: the key appears twice`);
  keys.add(key);
}

/** The index of the quote that closes the one at `start`, or -1. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let before = quote - 1;
    while (text[before] === '\\') before -= 1;
    if ((quote - before) % 2 === 1) return quote;
  }
  return -1;
}

function decodeKey(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

function pathOf(open: readonly Level[]): string {
  return formatPath(open.map((level) => (level.keys === undefined ? level.index : level.key)));
}

/** Writes a path into a document: `manifests[2].digest`, `config.Labels["a b"]`. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_$][\w$]*$/.test(String(part))) text += text === '' ? String(part) : `.${String(part)}`;
    else text += `[${JSON.stringify(String(part)).slice(0, 80)}]`;
  }
  return text;
}

function invalid(what: string, why: string, cause?: unknown): BoxError {
  return new BoxError('ERR_BOX_DOCUMENT_INVALID', `cannot read ${what}: ${why}`, cause === undefined ? {} : { cause });
}
