import type { TarEntry } from './tar-entry.ts';
import type { Header } from './header.ts';
import { applyPax, parsePax, type PaxAttributes, type PaxSparse } from './pax.ts';

const flag = {
  paxLocal: 0x78,
  paxSolaris: 0x58,
  paxGlobal: 0x67,
  longName: 0x4c,
  longLink: 0x4b,
} as const;

/**
 * What headers that are no entries themselves say of those that follow: pax (x of the next entry, g of all), GNU's long
 * name and long link. For each field the nearest wins: x, then L and K, then g, then the entry's own header.
 */
export class ExtendedHeaders {
  readonly #globals: PaxAttributes = {};
  #local: PaxAttributes | undefined;
  #longName: string | undefined;
  #longLink: string | undefined;
  /** Whether one has been read that waits for its entry. */
  pending = false;

  /** Whether a header of this type is taken in here. */
  knows(type: number): boolean {
    return (
      type === flag.paxLocal ||
      type === flag.paxSolaris ||
      type === flag.paxGlobal ||
      type === flag.longName ||
      type === flag.longLink
    );
  }

  /** Takes in the data of one. Throws ERR_BOX_LAYER_INVALID. */
  take(type: number, body: Buffer): void {
    if (type === flag.paxGlobal) {
      applyPax(parsePax(body), this.#globals);
      return;
    }
    this.pending = true;
    if (type === flag.longName) this.#longName = cText(body);
    else if (type === flag.longLink) this.#longLink = cText(body);
    else {
      // A second one before the entry takes the first one's place, as it does for GNU tar and Go's archive/tar.
      this.#local = {};
      applyPax(parsePax(body), this.#local);
    }
  }

  /** Fills an entry from its own header and what was taken in; type and size are left to the reader. */
  describe(header: Header, entry: TarEntry): void {
    const local = this.#local;
    const globals = this.#globals;
    entry.name = local?.path ?? this.#longName ?? globals.path ?? header.name;
    entry.link = local?.linkpath ?? this.#longLink ?? globals.linkpath ?? header.link;
    entry.mode = header.mode;
    entry.uid = local?.uid ?? globals.uid ?? header.uid;
    entry.gid = local?.gid ?? globals.gid ?? header.gid;
    const mtime = local?.mtime ?? globals.mtime;
    entry.seconds = mtime?.seconds ?? header.mtime;
    entry.nanoseconds = mtime?.nanoseconds ?? 0;
    entry.major = local?.major ?? header.major;
    entry.minor = local?.minor ?? header.minor;
    entry.xattrs = mergeXattrs(globals.xattrs, local?.xattrs);
    entry.segments = undefined;
  }

  /** The size that was said, or the header's own; `explicit` when it is the next entry's alone. */
  size(header: Header): { readonly stored: number; readonly explicit: boolean } {
    const local = this.#local?.size;
    return { stored: local ?? this.#globals.size ?? header.size, explicit: local !== undefined };
  }

  get sparse(): PaxSparse | undefined {
    return this.#local?.sparse ?? this.#globals.sparse;
  }

  /** The entry is done: forget what was said of it alone. */
  reset(): void {
    this.#local = undefined;
    this.#longName = undefined;
    this.#longLink = undefined;
    this.pending = false;
  }
}

/** GNU's long names end with a NUL. */
function cText(body: Buffer): string {
  const end = body.indexOf(0);
  return body.toString('latin1', 0, end === -1 ? body.length : end);
}

function mergeXattrs(
  globals: Map<string, Uint8Array> | undefined,
  local: Map<string, Uint8Array> | undefined,
): Map<string, Uint8Array> | undefined {
  if (globals === undefined) return local;
  return local === undefined ? globals : new Map([...globals, ...local]);
}
