/** One challenge of a WWW-Authenticate header. RFC 9110, 11.6.1. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
// A value without quotes may hold what a token may not: there are servers that send `realm=https://...`.
const parameter = /\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/y;
/** What `Negotiate` has in the place of parameters. */
const token68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*[ \t]*(?=,|$)/y;
const separator = /[\s,]*/y;

/** Longer headers are cut: no registry needs them, and somebody else wrote them. */
const headerLimit = 8192;

/** Parses a WWW-Authenticate header, which may hold several challenges. What cannot be read is left out. */
export function parseChallenges(header: string): Challenge[] {
  const text = header.slice(0, headerLimit);
  const challenges: Challenge[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };
  while (at < text.length) {
    match(separator);
    const scheme = match(token)?.[0];
    if (scheme === undefined) break;
    const parameters: Record<string, string> = {};
    match(token68);
    for (;;) {
      const found = match(parameter);
      if (found?.[1] === undefined) break;
      parameters[found[1].toLowerCase()] = found[3] ?? (found[2] ?? '').replaceAll(/\\(.)/g, '$1');
      const after = at;
      match(separator);
      // `Basic realm="x", Bearer ...`: what follows the comma is a scheme unless it is another name=value.
      parameter.lastIndex = at;
      if (!parameter.test(text)) {
        at = after;
        break;
      }
    }
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
  }
  return challenges;
}
