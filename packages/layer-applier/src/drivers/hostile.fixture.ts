import { paxBlock, type RawTarBytes, type TarEntry } from '@boxkit/testkit';

type Entries = readonly (TarEntry | RawTarBytes)[];

const file = (path: string | Uint8Array, content = 'escaped'): TarEntry => ({ path, content });
const directory = (path: string, more: Partial<TarEntry> = {}): TarEntry => ({ path, type: 'directory', ...more });
const symlink = (path: string, link: string): TarEntry => ({ path, type: 'symlink', link });
const hardlink = (path: string, link: string): TarEntry => ({ path, type: 'hardlink', link });
const pax = (path: string, records: TarEntry['pax'], content = ''): TarEntry => ({
  path,
  content,
  ...(records === undefined ? {} : { pax: records }),
});

/** A header block whose fields are written as they are. */
function header(name: string, fields: { readonly type?: string; readonly size?: string | Buffer } = {}): RawTarBytes {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100, 'latin1');
  for (const at of [100, 108, 116]) block.write('0000000', at);
  Buffer.from(fields.size ?? '00000000000').copy(block, 124, 0, 12);
  block.write('00000000000', 136);
  block.write(fields.type ?? '0', 156, 1, 'latin1');
  block.write('ustar\u000000', 257, 'latin1');
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return { raw: block };
}

function base256(value: bigint): Buffer {
  const bytes = Buffer.alloc(12);
  let rest = BigInt.asUintN(96, value);
  for (let at = 11; at >= 0; at--) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  bytes[0] = (bytes[0] ?? 0) | 0x80;
  return bytes;
}

const sparse = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0' };

/**
 * Layers of the kinds that tar extractors had their CVEs from, put upon a layer of `etc/passwd`, `up -> OUT` and
 * `d/victim`. `OUT` stands for a directory outside. Each is what the name says: `makes` when it must be applied, with the
 * paths that it must then show.
 */
export const hostileLayers: Readonly<
  Record<string, { readonly entries: Entries; readonly makes?: readonly string[] }>
> = {
  'a symlink, then a hardlink through it': { entries: [symlink('a', '/etc'), hardlink('b', 'a/passwd'), file('b')] },
  "a hardlink to the image's own passwd": { entries: [hardlink('b', '/etc/passwd')], makes: ['b'] },
  'a hardlink to a file outside': { entries: [hardlink('b', 'OUT/victim'), file('b')], makes: ['b'] },
  'a hardlink to outside through a lower symlink': { entries: [hardlink('b', 'up/victim')] },
  'a hardlink placed through a lower symlink': { entries: [file('a'), hardlink('up/new', 'a')] },
  'a late hardlink, whose target becomes a symlink': {
    entries: [hardlink('b', 'later'), symlink('later', 'OUT/victim'), file('b')],
    makes: ['b', 'later'],
  },
  'a hardlink with a linkpath through a symlinked parent': {
    entries: [symlink('s', 'OUT'), { path: 's/x', type: 'hardlink', link: 'x', pax: { linkpath: 'OUT/victim' } }],
  },
  'a whiteout of ..': { entries: [file('d/.wh...')] },
  'a whiteout of .': { entries: [file('d/.wh..')] },
  'a whiteout of nothing': { entries: [file('.wh.')] },
  'a whiteout through a lower symlink': { entries: [file('up/.wh.victim')] },
  'an opaque mark through a lower symlink': { entries: [file('up/.wh..wh..opq')] },
  'an opaque mark that is a directory, with entries': {
    entries: [directory('d/.wh..wh..opq/'), file('d/.wh..wh..opq/x'), file('d/own')],
    makes: ['d/own'],
  },
  'an opaque mark that is a symlink': { entries: [symlink('d/.wh..wh..opq', 'OUT'), file('d/own')], makes: ['d/own'] },
  'a whiteout of a name of 255 bytes': { entries: [file(`.wh.${'n'.repeat(255)}`)], makes: ['d/victim'] },
  'a whiteout of a name of 256 bytes': { entries: [file(`.wh.${'n'.repeat(256)}`)] },
  'an entry below a whiteout': { entries: [file('.wh.d/x')] },
  'a whiteout that is a hardlink to outside': { entries: [hardlink('.wh.d', 'OUT/victim')], makes: ['etc/passwd'] },
  'a NUL in a pax path': { entries: [pax('x', { path: 'a\0/../../OUT/new' })] },
  'an empty pax path': { entries: [pax('x', { path: '' })], makes: ['x'] },
  'a pax path of slashes': { entries: [pax('x', { path: '///' }, 'content')] },
  'a pax path that leaves the root': { entries: [pax('x', { path: '../../OUT/new' })] },
  'a pax size beyond the tar': { entries: [pax('x', { size: '99999999' })] },
  'a pax size that hides the next header': { entries: [pax('x', { size: '1024' }), file('y'), file('z')] },
  'a pax size of 2^63': { entries: [pax('x', { size: '9223372036854775807' })] },
  'a size below zero': { entries: [header('x', { size: base256(-512n) }), file('y')] },
  'a size that overflows': { entries: [header('x', { size: base256(2n ** 63n - 1n) })] },
  'a size of a minus sign': { entries: [header('x', { size: '-0000000777' })] },
  'a pax header that claims 2 GB': { entries: [header('x', { type: 'x', size: '17777777777' })] },
  'a long name that claims 2 GB': { entries: [header('x', { type: 'L', size: '17777777777' })] },
  'a long name without an end': {
    entries: [header('x', { type: 'L', size: '00000001000' }), { raw: Buffer.alloc(512, 47) }, file('y')],
  },
  'an xattr without a name': { entries: [pax('x', { 'SCHILY.xattr.': '1' })] },
  'xattrs that steer overlayfs': {
    entries: [
      directory('d/', { xattrs: { 'trusted.overlay.redirect': '/etc', 'user.overlay.opaque': 'y' } }),
      { ...file('d/f'), xattrs: { 'trusted.overlay.metacopy': '', 'trusted.overlay.redirect': 'OUT/victim' } },
    ],
    makes: ['d/f', 'd/victim'],
  },
  'a directory over a lower symlink': { entries: [directory('up/'), file('up/new')], makes: ['up/new'] },
  'a lower symlink that is only implied': { entries: [file('up/new')] },
  'a symlink in the place of a directory, between its entries': {
    entries: [directory('e/'), file('e/a'), symlink('e', 'OUT'), file('e/new')],
  },
  'a file over a directory, and entries below it again': {
    entries: [file('d'), file('d/victim', 'mine')],
    makes: ['d/victim'],
  },
  'a chain of forty-one symlinks': {
    entries: [
      ...Array.from({ length: 41 }, (_none, at) => symlink(`l${at}`, `l${at + 1}`)),
      directory('l41/'),
      file('l0/x'),
    ],
  },
  'symlinks that multiply': {
    entries: [
      ...Array.from({ length: 12 }, (_none, at) =>
        symlink(`m${at}`, `m${at + 1}/..`.repeat(1) + `/m${at + 1}/..`.repeat(8)),
      ),
      file('m0/x'),
    ],
  },
  '100,000 directories in one another': { entries: [directory('d/'.repeat(100_000))] },
  '600 directories in one another, step by step': {
    entries: Array.from({ length: 600 }, (_none, at) => directory('s/'.repeat(at + 1))),
  },
  'a sparse name that leaves the root': {
    entries: [
      pax('x', { ...sparse, 'GNU.sparse.name': '../../OUT/new', 'GNU.sparse.realsize': '0' }, '0\n'.padEnd(512, '\0')),
    ],
  },
  'a sparse map of ten thousand million segments': {
    entries: [
      pax('x', { ...sparse, 'GNU.sparse.name': 'x', 'GNU.sparse.realsize': '9' }, '9999999999\n'.padEnd(512, '\0')),
    ],
  },
  'a hole of eight exbibytes': { entries: [pax('x', { 'GNU.sparse.map': '', 'GNU.sparse.size': '9000000000000000' })] },
  'a device beyond the numbers of Linux': {
    entries: [{ path: 'c', type: 'char', pax: { 'SCHILY.devmajor': '4096', 'SCHILY.devminor': '1' } }],
  },
  'a device 0:0, which overlayfs takes for a whiteout': {
    entries: [{ path: 'etc/passwd', type: 'char', major: 0, minor: 0 }],
  },
  'the root as a symlink': { entries: [symlink('./', 'OUT')] },
  'the root as a hardlink': { entries: [hardlink('.', 'etc/passwd')] },
  'a hardlink to itself that nobody has': { entries: [hardlink('a', 'a')] },
  'hardlinks in a circle': { entries: [hardlink('a', 'b'), hardlink('b', 'c'), hardlink('c', 'a')] },
  "AUFS's link directory as a way out": {
    entries: [symlink('.wh..wh.plnk', 'OUT'), file('.wh..wh.plnk/new'), hardlink('x', '.wh..wh.plnk/new')],
  },
  'a global header that renames all that follow': {
    entries: [{ raw: Buffer.concat(paxBlock('g', { path: '../../OUT/new' })) }, file('x')],
  },
  'an owner of minus one': { entries: [pax('x', { uid: '4294967295' })] },
  'names that a terminal obeys': {
    entries: [file('\x1b]0;x\x07\n\r'), file(Buffer.from([0xff, 0xfe]))],
    makes: ['\x1b]0;x\x07\n\r'],
  },
  'names of dots that are no dots': {
    entries: [file('...'), file('.. '), file('a/. ')],
    makes: ['...', '.. ', 'a/. '],
  },
};
