export type PaxRecords = Readonly<Record<string, string | Uint8Array>>;

/** Writes a number in octal, or in base 256 (GNU's extension) where it does not fit and `base256` allows. */
export function numberField(header: Buffer, offset: number, length: number, value: number, base256 = false): void {
  const octal = Math.max(0, value).toString(8);
  if (value >= 0 && octal.length < length) {
    header.write(`${octal.padStart(length - 1, '0')}\0`, offset, 'latin1');
    return;
  }
  // What pax records override anyway.
  if (!base256) {
    header.write(`${'0'.repeat(length - 1)}\0`, offset, 'latin1');
    return;
  }
  let rest = BigInt(value);
  for (let at = offset + length - 1; at > offset; at--) {
    header[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  header[offset] = value < 0 ? 0xff : 0x80;
}

/** A pax extended header: `x` for the next entry, `g` for all that follow. */
export function paxBlock(typeflag: 'x' | 'g', records: PaxRecords): Uint8Array[] {
  const body = Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, Buffer.from(value))));
  return special(typeflag, 'PaxHeaders/0', body);
}

/** GNU's long name (`L`) or long link target (`K`) of the next entry. */
export function longName(typeflag: 'L' | 'K', name: Buffer): Uint8Array[] {
  return special(typeflag, '././@LongLink', Buffer.concat([name, Buffer.alloc(1)]));
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts its own digits. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function special(typeflag: string, name: string, body: Buffer): Uint8Array[] {
  const header = Buffer.alloc(512);
  header.write(name, 0, 'latin1');
  for (const offset of [100, 108, 116]) numberField(header, offset, 8, 0);
  numberField(header, 124, 12, body.length);
  numberField(header, 136, 12, 0);
  header.write(typeflag, 156, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
}
