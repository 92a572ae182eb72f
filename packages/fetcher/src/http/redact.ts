/** A URL fit for messages: without user, password, query (signed URLs carry their right to read there) and fragment. */
export function redactUrl(url: URL | string): string {
  const parsed = typeof url === 'string' ? URL.parse(url) : new URL(url);
  if (parsed === null) return '(not a URL)';
  parsed.username = '';
  parsed.password = '';
  parsed.hash = '';
  const signed = parsed.search !== '';
  parsed.search = '';
  return `${parsed.href}${signed ? '?...' : ''}`;
}

/** Text of a stranger's fit for a terminal and a log: one line, no control characters, bounded. */
export function plainText(text: string, limit = 300): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it is there to find
  const clean = text.replaceAll(/[\u0000-\u001F\u007F-\u009F\u2028\u2029\u202A-\u202E\u2066-\u2069]+/g, ' ').trim();
  return clean.length > limit ? `${clean.slice(0, limit)}...` : clean;
}
