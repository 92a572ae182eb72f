import { alone, directory, file, hardlink, has, isDirectory, leads, symlink, type LayerRule } from './layer-rule.ts';

/** What becomes of a path that is there already, and of the directories above an entry. */
export const clashRules: readonly LayerRule[] = [
  {
    rule: 'A directory over a directory keeps the children and replaces mode, owner, times and xattrs',
    alone: alone('a directory over a directory keeps the children and replaces mode, owner, times and xattrs'),
    shown: {
      layers: [
        [directory('d', { mode: 0o700, uid: 1, xattrs: { 'user.old': 'x' } }), file('d/low')],
        [directory('d', { mode: 0o2751, uid: 5, gid: 6, mtime: 12, xattrs: { 'user.new': 'y' } })],
      ],
      tree: {
        d: isDirectory({ mode: '2751', owner: '5:6', mtime: '12000000000', xattrs: { 'user.new': '0x79' } }),
        'd/low': has('d/low'),
      },
      otherwise: { podman: "keeps the lower directory's xattrs" },
    },
  },
  {
    rule: 'Every other clash removes the old before it makes the new, so that nothing is written through a hardlink',
    alone: alone('every other clash removes the old before it creates the new'),
    shown: {
      layers: [
        [
          file('a', 'low'),
          hardlink('b', 'a'),
          file('c', 'low'),
          directory('e'),
          file('e/low'),
          symlink('f', 'a'),
          directory('g'),
          file('g/low'),
        ],
        [file('a', 'up'), directory('c'), file('e', 'up'), file('f', 'up'), symlink('g', 'a')],
      ],
      tree: { a: has('up'), b: has('low'), c: isDirectory(), e: has('up'), f: has('up'), g: leads('a') },
    },
  },
  {
    rule: 'A directory that has an entry replaces a symlink',
    alone: alone('an explicit directory replaces a symlink'),
    shown: {
      layers: [
        [directory('real'), file('real/low'), symlink('link', 'real')],
        [directory('link'), file('link/up')],
      ],
      tree: { real: isDirectory(), 'real/low': has('real/low'), link: isDirectory(), 'link/up': has('link/up') },
    },
  },
  {
    rule: 'A directory that is only implied by what lies below it follows a symlink of a lower layer',
    alone: alone('implied directories are listed, parents first, and 0755 0:0'),
    shown: {
      layers: [
        [directory('usr'), directory('usr/lib'), file('usr/lib/low'), symlink('lib', 'usr/lib')],
        [file('lib/up'), file('lib/low', 'new')],
      ],
      tree: {
        usr: isDirectory(),
        'usr/lib': isDirectory(),
        'usr/lib/low': has('new'),
        'usr/lib/up': has('lib/up'),
        lib: leads('usr/lib'),
      },
    },
  },
  {
    rule: "A parent's symlink is followed inside the root only, and an absolute target counts from the root",
    alone: alone('an implied parent follows a symlink of the same layer, inside the root only'),
    shown: {
      layers: [
        [directory('usr'), symlink('absolute', '/usr'), symlink('out', '../../../../../../../../usr')],
        [file('absolute/a'), file('out/b')],
      ],
      tree: {
        usr: isDirectory(),
        absolute: leads('/usr'),
        out: leads('../../../../../../../../usr'),
        'usr/a': has('absolute/a'),
        'usr/b': has('out/b'),
      },
      isApart: true,
    },
  },
  {
    rule: 'A missing parent is made 0755 0:0; one of a lower layer keeps its attributes',
    alone: alone('implied directories are listed, parents first, and 0755 0:0'),
    shown: {
      layers: [
        [directory('d', { mode: 0o711, uid: 7, gid: 8, mtime: 9, xattrs: { 'user.kept': 'x' } })],
        [file('d/up'), file('new/deep/up')],
      ],
      tree: {
        d: isDirectory({ mode: '0711', owner: '7:8', mtime: '9000000000', xattrs: { 'user.kept': '0x78' } }),
        'd/up': has('d/up'),
        new: isDirectory({ mode: '0755', owner: '0:0' }),
        'new/deep': isDirectory({ mode: '0755', owner: '0:0' }),
        'new/deep/up': has('new/deep/up'),
      },
      otherwise: { podman: 'leaves a directory that a layer adds to the time of unpacking' },
    },
  },
  {
    rule: 'A parent that is no directory is replaced by one',
    alone: alone('an ancestor that is no directory is replaced'),
    shown: {
      layers: [
        [file('a'), { path: 'p', type: 'fifo' }],
        [file('a/up'), directory('p/q')],
      ],
      tree: { a: isDirectory(), 'a/up': has('a/up'), p: isDirectory(), 'p/q': isDirectory() },
      otherwise: { umoci: 'refuses the image', podman: 'refuses the image' },
      isApart: true,
    },
  },
  {
    rule: 'Of the same path twice in a layer the last wins',
    alone: alone('the same path twice: the last wins, also as another spelling'),
    shown: {
      layers: [
        [file('a', 'low')],
        [file('a', '1'), file('./a', '22'), directory('b'), file('b/x'), file('b', 'a file')],
      ],
      tree: { a: has('22'), b: has('a file') },
      isApart: true,
      otherwise: { podman: 'refuses the image' },
    },
  },
  {
    rule: 'What a layer ends with counts: a directory that took the place of a file of its own layer is merged with the lower one',
    alone: alone('the same path twice: the last wins, also as another spelling'),
    shown: {
      layers: [
        [directory('d'), file('d/low')],
        [file('d', 'a file'), directory('d', { mode: 0o711 }), file('d/up')],
      ],
      tree: { d: isDirectory({ mode: '0711' }), 'd/low': has('d/low'), 'd/up': has('d/up') },
      isApart: true,
      otherwise: { umoci: 'takes the file for a removal of the lower directory', podman: 'refuses the image' },
    },
  },
  {
    rule: 'An entry for a directory replaces a lower symlink wherever it stands in the tar, for all that the layer has below it',
    alone: alone('an explicit directory replaces a symlink'),
    shown: {
      layers: [
        [directory('real'), symlink('link', 'real')],
        [file('link/up'), directory('link')],
      ],
      tree: { real: isDirectory(), link: isDirectory(), 'link/up': has('link/up') },
      otherwise: {
        umoci: 'puts what comes before the entry where the symlink leads',
        podman: 'puts what comes before the entry where the symlink leads',
      },
    },
  },
  {
    rule: 'Of two entries of a layer that meet through a lower symlink the one that goes through it wins',
    alone: alone('implied directories are listed, parents first, and 0755 0:0'),
    shown: {
      layers: [
        [directory('real'), symlink('link', 'real')],
        [file('link/x', 'through the symlink'), file('real/x', 'to the place')],
      ],
      tree: { real: isDirectory(), link: leads('real'), 'real/x': has('through the symlink') },
      otherwise: { umoci: 'lets the later one win', podman: 'lets the later one win' },
    },
  },
];
