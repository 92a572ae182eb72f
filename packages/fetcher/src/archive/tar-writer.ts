/** One entry of a tar to be written. Times are the epoch and owners root, so that the same input gives the same bytes. */
export type TarEntry =
  | { readonly type: 'directory'; readonly name: string; readonly mode: number }
  | { readonly type: 'symlink'; readonly name: string; readonly target: string }
  | {
      readonly type: 'file';
      readonly name: string;
      readonly mode: number;
      /** Bytes; what `content` yields must be exactly this much. */
      readonly size: number;
      readonly content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
    };

const block = 512;
const typeflags = { file: '0', symlink: '2', directory: '5', pax: 'x' } as const;
/** What eleven octal digits hold. */
const largestOctal = 0o77777777777;

/**
 * Writes entries as a POSIX tar: ustar, with a pax header where a name, a target or a size does not fit. pax(1).
 * Throws an Error when a file's content is not as long as announced.
 */
export async function* writeTar(entries: Iterable<TarEntry>): AsyncGenerator<Uint8Array, void, undefined> {
  for (const entry of entries) {
    yield header(entry);
    if (entry.type !== 'file') continue;
    let written = 0;
    for await (const chunk of entry.content) {
      written += chunk.length;
      if (written > entry.size) break;
      yield chunk;
    }
    if (written !== entry.size) throw new Error(`${entry.name} changed while it was read`);
    if (written % block !== 0) yield new Uint8Array(block - (written % block));
  }
  yield new Uint8Array(2 * block);
}

function header(entry: TarEntry): Uint8Array {
  const name = entry.type === 'directory' ? `${entry.name}/` : entry.name;
  const size = entry.type === 'file' ? entry.size : 0;
  const target = entry.type === 'symlink' ? entry.target : '';
  const long = {
    ...(Buffer.byteLength(name) > 100 ? { path: name } : {}),
    ...(Buffer.byteLength(target) > 100 ? { linkpath: target } : {}),
    ...(size > largestOctal ? { size: String(size) } : {}),
  };
  const mode = entry.type === 'symlink' ? 0o777 : entry.mode;
  const plain = ustar({ name, size: Math.min(size, largestOctal), target, mode, typeflag: typeflags[entry.type] });
  return Object.keys(long).length === 0 ? plain : Buffer.concat([extended(long), plain]);
}

/** A pax header: records `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function extended(values: Readonly<Record<string, string>>): Uint8Array {
  const records = Object.entries(values).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    const length = Buffer.byteLength(rest);
    const digits = String(length + String(length).length).length;
    return `${length + digits}${rest}`;
  });
  const body = Buffer.from(records.join(''));
  const head = ustar({ name: 'PaxHeader', size: body.length, target: '', mode: 0o644, typeflag: typeflags.pax });
  return Buffer.concat([head, body, new Uint8Array((block - (body.length % block)) % block)]);
}

function ustar(fields: {
  readonly name: string;
  readonly size: number;
  readonly target: string;
  readonly mode: number;
  readonly typeflag: string;
}): Uint8Array {
  const bytes = Buffer.alloc(block);
  const octal = (value: number, at: number, width: number) =>
    bytes.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  // A longer name stands whole in the pax header; what fits here is for readers that skip it.
  Buffer.from(fields.name).copy(bytes, 0, 0, 100);
  octal(fields.mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(fields.size, 124, 12);
  octal(0, 136, 12);
  bytes.fill(' ', 148, 156);
  bytes.write(fields.typeflag, 156, 'latin1');
  Buffer.from(fields.target).copy(bytes, 157, 0, 100);
  bytes.write('ustar\x0000', 257, 'latin1');
  octal(0, 329, 8);
  octal(0, 337, 8);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}
