import { opaque, whiteout } from '../image/layer.ts';
import { alone, directory, file, hardlink, has, isDirectory, symlink, type LayerRule } from './layer-rule.ts';

/** Whiteouts, opaque directories, and what AUFS left behind. */
export const markRules: readonly LayerRule[] = [
  {
    rule: 'A whiteout hides a name of lower layers only, wherever it stands in the tar',
    alone: alone("a whiteout spares its own layer's entry that comes %s it"),
    shown: {
      layers: [
        [directory('d'), file('d/gone'), file('d/first', 'low'), file('d/last', 'low'), file('d/stays')],
        [
          directory('d', { mtime: 5 }),
          whiteout('d/gone'),
          whiteout('d/first'),
          file('d/first', 'up'),
          file('d/last', 'up'),
          whiteout('d/last'),
        ],
      ],
      tree: { d: isDirectory(), 'd/first': has('up'), 'd/last': has('up'), 'd/stays': has('d/stays') },
      otherwise: { podman: 'a whiteout hides what its own layer had before it, too' },
    },
  },
  {
    rule: 'A whiteout of a directory hides all below it and spares what its own layer has there',
    alone: alone("a whiteout spares its own layer's entry that comes %s it"),
    shown: {
      layers: [
        [directory('d', { mode: 0o700 }), file('d/low'), directory('d/e'), file('d/e/low')],
        [whiteout('d'), directory('d', { mode: 0o711 }), file('d/up')],
      ],
      tree: { d: isDirectory({ mode: '0711' }), 'd/up': has('d/up') },
    },
  },
  {
    rule: 'A whiteout of what no lower layer has is no error',
    alone: alone('a whiteout is listed and not in the tree'),
    shown: {
      layers: [[directory('d')], [whiteout('none'), whiteout('d/none'), whiteout('no/where')]],
      tree: { d: isDirectory() },
      otherwise: { podman: 'makes the directory that a whiteout names nothing in' },
    },
  },
  {
    rule: 'The type of a whiteout, and what it contains, are of no account',
    alone: alone('the type of a whiteout is of no account'),
    shown: {
      layers: [
        [file('a'), file('b'), file('c'), file('d')],
        [
          symlink('.wh.a', '/etc'),
          directory('.wh.b'),
          { path: '.wh.c', type: 'char', major: 1, minor: 3 },
          file('.wh.d', 'x'.repeat(2000)),
          file('e'),
        ],
      ],
      tree: { e: has('e') },
    },
  },
  {
    rule: 'An opaque mark hides all that lower layers have in its directory, wherever it stands, and keeps the directory and what its own layer has in it',
    alone: alone('an opaque marker is told from a whiteout, wherever it stands, and spares its own layer'),
    shown: {
      layers: [
        [directory('d', { mode: 0o711, uid: 7 }), file('d/low'), directory('d/e'), file('d/e/low')],
        [directory('d', { mode: 0o750, uid: 8 }), file('d/first'), opaque('d'), file('d/last'), file('d/e', 'a file')],
      ],
      tree: {
        d: isDirectory({ mode: '0750', owner: '8:0' }),
        'd/first': has('d/first'),
        'd/last': has('d/last'),
        'd/e': has('a file'),
      },
    },
  },
  {
    rule: 'A whiteout that names nothing is an error',
    alone: alone('a whiteout that names nothing is an error: %s'),
    shown: { layers: [[file('a')], [file('.wh.')]], fails: 'ERR_BOX_LAYER_INVALID' },
  },
  {
    rule: "Other names that begin with .wh..wh. are AUFS's own and are skipped; files in .wh..wh.plnk can be hardlinked to",
    alone: alone("AUFS's own files are skipped; its link sources can be hardlinked to"),
    shown: {
      layers: [
        [file('low')],
        [
          directory('.wh..wh.plnk'),
          file('.wh..wh.plnk/1.2', 'shared'),
          file('.wh..wh.aufs'),
          directory('.wh..wh.orph'),
          hardlink('one', '.wh..wh.plnk/1.2'),
          hardlink('two', '.wh..wh.plnk/1.2'),
        ],
      ],
      tree: { low: has('low'), one: has('shared', { sameAs: 'one' }), two: has('shared', { sameAs: 'one' }) },
      isApart: true,
      otherwise: { umoci: 'unpacks .wh..wh.plnk as any directory', podman: 'makes an empty .wh..wh.plnk' },
    },
  },
];
