/**
 * Makes text from outside safe to show: control characters, and the marks that reorder or hide text (bidi
 * controls, zero-width characters, line separators), are written as escapes (`\x1b`, `\u202e`). Newlines too,
 * unless they are kept.
 */
export function escapeControls(text: string, options: { readonly keepNewlines?: boolean } = {}): string {
  let escaped = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const kept = !isHostile(code) || (options.keepNewlines === true && character === '\n');
    escaped += kept ? character : escapeOf(code);
  }
  return escaped;
}

function isHostile(code: number): boolean {
  return (
    code < 0x20 ||
    (code >= 0x7f && code <= 0x9f) ||
    code === 0xad ||
    code === 0x61c ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    (code >= 0xd800 && code <= 0xdfff) ||
    code === 0xfeff
  );
}

function escapeOf(code: number): string {
  if (code === 0x0a) return '\\n';
  if (code === 0x0d) return '\\r';
  if (code === 0x09) return '\\t';
  const digits = code.toString(16);
  return code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u${digits.padStart(4, '0')}`;
}
