import { BoxError } from '@boxkit/contracts';

/** A path of bytes (latin1) as a word of a POSIX shell; bytes that are no printable ASCII by printf's octal escapes. A path that ends in a newline, which the shell would drop, is an error. */
export function pathWord(prefix: string, path: string): string {
  if (/^[\x20-\x7e]*$/.test(path)) return `"${prefix}"${quoted(`/${path}`)}`;
  if (path.endsWith('\n'))
    throw new BoxError('ERR_BOX_LAYER_UNSUPPORTED', 'cannot write a script: a path ends in a newline');
  // the slash before it, lest a name that starts with - be an option
  return `"${prefix}$(printf '/${escaped(path)}')"`;
}

/** Bytes (latin1) that do not start with - nor end in a newline as a word of a POSIX shell. */
export function bytesWord(bytes: string): string {
  return /^[\x20-\x7e]*$/.test(bytes) ? quoted(bytes) : `"$(printf '${escaped(bytes)}')"`;
}

function escaped(bytes: string): string {
  return bytes.replaceAll(/[^A-Za-z0-9_./-]/gs, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function quoted(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
