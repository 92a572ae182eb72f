declare const bytePath: unique symbol;

/**
 * A path below a root, byte for byte as the layer has it: every character stands for one byte (0-255, latin1), so
 * names that are no UTF-8 survive and paths still compare, join and serve as keys. In normal form: no leading,
 * doubled or closing slash, no `.` and no `..`; the root itself is ''.
 */
export type BytePath = string & { readonly [bytePath]: true };

/** The bytes of a path, as Node's `fs` and the system calls take them. */
export function pathBytes(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1');
}

/** A path from bytes that are in normal form already. */
export function pathFromBytes(bytes: Uint8Array): BytePath {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1') as BytePath;
}

/** The path of a JavaScript string, as UTF-8. */
export function pathFromText(text: string): BytePath {
  return pathFromBytes(Buffer.from(text));
}

/** For messages and JSON: the bytes read as UTF-8, what is none replaced by U+FFFD. */
export function pathText(path: BytePath): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}

/** The path of the parent; '' for what stands in the root. */
export function parentPath(path: BytePath): BytePath {
  const slash = path.lastIndexOf('/');
  return (slash === -1 ? '' : path.slice(0, slash)) as BytePath;
}

/** The last component. */
export function baseName(path: BytePath): BytePath {
  return path.slice(path.lastIndexOf('/') + 1) as BytePath;
}

/** Appends one component (or several) to a path. */
export function joinPath(parent: BytePath, name: string): BytePath {
  return (parent === '' ? name : `${parent}/${name}`) as BytePath;
}
