import { BoxError } from '@boxkit/contracts';

/** A path of bytes (latin1) as a word of a POSIX shell; bytes that are no printable ASCII by printf's octal escapes. A path that ends in a newline, which the shell would drop, is an error. */
export function pathWord(prefix: string, path: string): string {
  if (/^[\x20-\x7e]*$/.test(path)) return `"${prefix}"${quoted(`/${path}`)}`;
  if (path.endsWith('\n'))
    throw new BoxError('ERR_BOX_LAYER_UNSUPPORTED', 'cannot write a script: a path ends in a newline');
  const escaped = path.replaceAll(
    /[^A-Za-z0-9_./-]/gs,
    (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  // the slash before it, lest a name that starts with - be an option
  return `"${prefix}$(printf '/${escaped}')"`;
}

function quoted(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
