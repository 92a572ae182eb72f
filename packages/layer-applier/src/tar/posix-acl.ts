/** POSIX.1e draft 17 ACLs: the text that star, GNU tar and bsdtar write into pax headers, and the kernel's form of it. */

const version = 2;
/** linux/posix_acl.h */
const tags = { owner: 0x01, user: 0x02, owningGroup: 0x04, group: 0x08, mask: 0x10, other: 0x20 } as const;
/** Of an entry that names nobody. */
const noId = 0xffff_ffff;

interface AclEntry {
  readonly tag: number;
  readonly permissions: number;
  readonly id: number;
}

/**
 * The value of `system.posix_acl_access` or `_default` for a text such as `user::rw-,user:1000:r--,mask::r--,...`.
 * Undefined when an entry names a user or group without its number: which one that is only the image's passwd knows.
 */
export function aclValue(text: string): Uint8Array | undefined {
  const entries: AclEntry[] = [];
  for (const line of text.split(/[,\n]/)) {
    const plain = line.replace(/#.*/, '').trim();
    if (plain === '') continue;
    const entry = aclEntry(plain);
    if (entry === undefined) return undefined;
    entries.push(entry);
  }
  if (entries.length === 0) return undefined;
  entries.sort((a, b) => a.tag - b.tag || a.id - b.id);
  const value = Buffer.alloc(4 + 8 * entries.length);
  value.writeUInt32LE(version, 0);
  for (const [position, { tag, permissions, id }] of entries.entries()) {
    const at = 4 + 8 * position;
    value.writeUInt16LE(tag, at);
    value.writeUInt16LE(permissions, at + 2);
    value.writeUInt32LE(id, at + 4);
  }
  return value;
}

/** `tag:qualifier:permissions[:id]`; star and bsdtar add the number of a name as a fourth field. */
function aclEntry(line: string): AclEntry | undefined {
  const [tag = '', qualifier = '', permissions, number] = line.replace(/^d(?:efault)?:/, '').split(':');
  const kind = kinds[tag];
  if (kind === undefined || permissions === undefined || !/^[rwx-]{0,3}$/.test(permissions)) return undefined;
  const bits =
    (permissions.includes('r') ? 4 : 0) + (permissions.includes('w') ? 2 : 0) + (permissions.includes('x') ? 1 : 0);
  const named = kind.named !== undefined && qualifier !== '';
  const id = named ? idOf(number ?? qualifier) : noId;
  return id === undefined ? undefined : { tag: named ? (kind.named ?? kind.tag) : kind.tag, permissions: bits, id };
}

const kinds: Readonly<Record<string, { readonly tag: number; readonly named?: number }>> = {
  user: { tag: tags.owner, named: tags.user },
  u: { tag: tags.owner, named: tags.user },
  group: { tag: tags.owningGroup, named: tags.group },
  g: { tag: tags.owningGroup, named: tags.group },
  mask: { tag: tags.mask },
  m: { tag: tags.mask },
  other: { tag: tags.other },
  o: { tag: tags.other },
};

function idOf(text: string): number | undefined {
  const id = /^[0-9]{1,10}$/.test(text) ? Number(text) : noId;
  return id < noId ? id : undefined;
}
