import { alone, directory, file, has, isDirectory, leads, symlink, type LayerRule } from './layer-rule.ts';

const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const binary = Buffer.from([0, 1, 0xff, 0x0a, 0x3d]);

/** Owners, modes, times, xattrs and devices. */
export const attributeRules: readonly LayerRule[] = [
  {
    rule: 'Numeric owners beat names',
    alone: alone('numeric ids beat names'),
    shown: {
      layers: [
        [file('a', 'x', { uid: 4711, gid: 4712, uname: 'root', gname: 'root' }), directory('d')],
        [directory('d', { uid: 3_000_000_000, gid: 70_000, uname: 'root' })],
      ],
      tree: { a: has('x', { owner: '4711:4712' }), d: isDirectory({ owner: '3000000000:70000' }) },
    },
  },
  {
    rule: 'Setuid, setgid, sticky and file capabilities survive the change of owner',
    alone: alone('setuid, setgid and sticky survive the change of owner'),
    shown: {
      layers: [
        [directory('t', { mode: 0o3777, gid: 50 }), file('t/su', 'x', { mode: 0o4755, uid: 7, gid: 8 })],
        [
          file('t/ping', 'x', { mode: 0o755, uid: 5, xattrs: { 'security.capability': capability } }),
          file('t/sg', 'x', { mode: 0o2755, gid: 9 }),
          directory('t/sub'),
        ],
      ],
      tree: {
        t: isDirectory({ mode: '3777', owner: '0:50' }),
        't/su': has('x', { mode: '4755', owner: '7:8' }),
        't/sg': has('x', { mode: '2755', owner: '0:9' }),
        't/ping': has('x', { owner: '5:0', xattrs: { 'security.capability': `0x${capability.toString('hex')}` } }),
        't/sub': isDirectory({ mode: '0755', owner: '0:0' }),
      },
    },
  },
  {
    rule: 'A symlink has an owner and a time of its own, and what it leads to keeps its mode',
    alone: alone('times have nanoseconds and may lie before 1970 or after 2038; symlinks and directories too'),
    shown: {
      layers: [
        [file('f', 'x', { mode: 0o600, mtime: 7 })],
        [symlink('s', 'f', { mode: 0o777, uid: 9, gid: 8, mtime: '12.5' })],
      ],
      tree: {
        f: has('x', { mode: '0600', owner: '0:0', mtime: '7000000000' }),
        s: leads('f', { owner: '9:8', mtime: '12500000000' }),
      },
    },
  },
  {
    rule: "A directory's time and a mode that closes it are set after all that comes into it",
    alone: alone('modes are exact, whatever the umask; also 0 and write-only'),
    shown: {
      layers: [
        [
          directory('low', { mode: 0o555, mtime: 7 }),
          file('low/a'),
          directory('low/in', { mode: 0, mtime: 8 }),
          file('low/in/b'),
        ],
        [directory('up', { mode: 0o500, mtime: 9 }), file('up/a'), file('low/in/c')],
      ],
      tree: {
        low: isDirectory({ mode: '0555', mtime: '7000000000' }),
        'low/a': has('low/a'),
        'low/in': isDirectory({ mode: '0000', mtime: '8000000000' }),
        'low/in/b': has('low/in/b'),
        'low/in/c': has('low/in/c'),
        up: isDirectory({ mode: '0500', mtime: '9000000000' }),
        'up/a': has('up/a'),
      },
      otherwise: { podman: 'leaves a directory that a layer adds to the time of unpacking' },
    },
  },
  {
    rule: 'Times have nanoseconds, and may lie before 1970 or after 2038',
    alone: alone('times have nanoseconds and may lie before 1970 or after 2038; symlinks and directories too'),
    shown: {
      layers: [
        [file('n', 'x', { mtime: '1700000000.123456789' }), file('b', 'x', { mtime: '-1.25' })],
        [file('a', 'x', { mtime: 5_000_000_000 }), directory('d', { mtime: '3.000000001' })],
      ],
      tree: {
        n: has('x', { mtime: '1700000000123456789' }),
        b: has('x', { mtime: '-1250000000' }),
        a: has('x', { mtime: '5000000000000000000' }),
        d: isDirectory({ mtime: '3000000001' }),
      },
      otherwise: { podman: 'takes times before 1970 for 1970' },
    },
  },
  {
    rule: 'An xattr is bytes, on whatever can have one',
    alone: alone('xattrs have binary values, also on directories, symlinks and files without permissions'),
    shown: {
      layers: [
        [file('f', 'x', { mode: 0o400, xattrs: { 'user.x': binary } }), directory('d')],
        [
          directory('d', { xattrs: { 'user.x': binary, 'user.text': 'é' } }),
          symlink('s', 'f', { xattrs: { 'trusted.x': binary } }),
        ],
      ],
      tree: {
        f: has('x', { xattrs: { 'user.x': '0x0001ff0a3d' } }),
        d: isDirectory({ xattrs: { 'user.text': '0xc3a9', 'user.x': '0x0001ff0a3d' } }),
        s: leads('f', { xattrs: { 'trusted.x': '0x0001ff0a3d' } }),
      },
    },
  },
  {
    rule: 'security.selinux of an image is dropped',
    alone: alone('security.selinux is dropped; an xattr that cannot be held is one warning'),
    shown: {
      layers: [
        [file('f', 'x', { xattrs: { 'security.selinux': 'x', 'user.a': '1' } })],
        [directory('d', { xattrs: { 'security.selinux': 'x' } })],
      ],
      tree: { f: has('x', { xattrs: { 'user.a': '0x31' } }), d: isDirectory({ xattrs: {} }) },
    },
  },
  {
    rule: 'An xattr that the file system cannot hold is left out with one warning, or an error where that was asked for',
    alone: alone('security.selinux is dropped; an xattr that cannot be held is one warning'),
    shown: {
      layers: [[file('f')], [symlink('s', 'f', { xattrs: { 'user.not-on-symlinks': '1' } })]],
      tree: { f: has('f'), s: leads('f', { xattrs: {} }) },
      otherwise: { umoci: 'refuses the image', podman: 'refuses the image' },
      isApart: true,
    },
  },
  {
    rule: "Overlayfs's own xattrs are escaped in a layer that overlayfs reads, and nowhere else",
    alone: alone(
      "overlayfs's own xattrs and a device 0:0 of the layer do not act in an overlay layer",
      'packages/layer-applier/src/extract/whiteout-forms.test.ts',
    ),
    shown: {
      layers: [
        [directory('d'), file('d/low')],
        [directory('d', { xattrs: { 'trusted.overlay.opaque': 'y', 'user.overlay.opaque': 'y' } }), file('d/up')],
      ],
      tree: {
        d: isDirectory({ xattrs: { 'trusted.overlay.opaque': '0x79', 'user.overlay.opaque': '0x79' } }),
        'd/low': has('d/low'),
        'd/up': has('d/up'),
      },
      otherwise: { umoci: 'drops trusted.overlay.*' },
      notInOverlay: 'a kernel before 6.7 does not show an escaped xattr',
    },
  },
  {
    rule: 'Devices and fifos are made by root',
    alone: alone('device nodes and fifos are made'),
    shown: {
      layers: [
        [{ path: 'null', type: 'char', major: 1, minor: 3, mode: 0o666 }, file('p', 'low')],
        [
          { path: 'big', type: 'block', major: 259, minor: 70_000, uid: 2 },
          { path: 'p', type: 'fifo', mode: 0o622, gid: 9 },
        ],
      ],
      tree: {
        null: { type: 'char', device: '1:3', mode: '0666' },
        big: { type: 'block', device: '259:70000', owner: '2:0' },
        p: { type: 'fifo', mode: '0622', owner: '0:9' },
      },
    },
  },
];
