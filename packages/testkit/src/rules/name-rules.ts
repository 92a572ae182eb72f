import { whiteout } from '../image/layer.ts';
import { alone, directory, file, hardlink, has, isDirectory, leads, symlink, type LayerRule } from './layer-rule.ts';

const bytes = Buffer.from([0x61, 0xff, 0xfe, 0x0a, 0x20, 0xc3]);
const latin1 = bytes.toString('latin1');
const joined = (...parts: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat(parts.map((part) => Buffer.from(part)));

/** Names, and the targets of hardlinks. */
export const nameRules: readonly LayerRule[] = [
  {
    rule: "A hardlink's target counts from the root, an absolute one too, be it of the same layer or of a lower one",
    alone: alone('hardlink targets count from the root, absolute ones too'),
    shown: {
      layers: [
        [directory('d'), file('d/low')],
        [directory('e'), hardlink('e/a', 'd/low'), hardlink('e/b', '/d/low'), file('e/up'), hardlink('e/c', 'e/up')],
      ],
      tree: {
        d: isDirectory(),
        'd/low': has('d/low', { sameAs: 'd/low' }),
        e: isDirectory(),
        'e/a': has('d/low', { sameAs: 'd/low' }),
        'e/b': has('d/low', { sameAs: 'd/low' }),
        'e/c': has('e/up', { sameAs: 'e/c' }),
        'e/up': has('e/up', { sameAs: 'e/c' }),
      },
    },
  },
  {
    rule: 'What a hardlink says of owner, mode and time changes nothing of its file',
    alone: alone('what a hardlink says of owner, mode and time changes nothing of its file'),
    shown: {
      layers: [
        [file('low', 'x', { mode: 0o640, uid: 7, mtime: 9 })],
        [
          { ...hardlink('a', 'low'), mode: 0o777, uid: 8, mtime: 10 },
          file('up', 'y', { mode: 0o640, uid: 7, mtime: 9 }),
          { ...hardlink('b', 'up'), mode: 0o777, uid: 8, mtime: 10 },
        ],
      ],
      tree: Object.fromEntries(
        [
          ['low', 'x', 'a'],
          ['a', 'x', 'a'],
          ['up', 'y', 'b'],
          ['b', 'y', 'b'],
        ].map(([path, content = '', sameAs = '']) => [
          path,
          has(content, { mode: '0640', owner: '7:0', mtime: '9000000000', sameAs }),
        ]),
      ),
      otherwise: { podman: 'gives the file what the last hardlink says' },
    },
  },
  {
    rule: 'A hardlink to a symlink is that symlink',
    alone: alone('a hardlink to a symlink is a link to the symlink itself'),
    shown: {
      layers: [[symlink('s', '/nowhere')], [hardlink('t', 's')]],
      tree: { s: leads('/nowhere', { sameAs: 's' }), t: leads('/nowhere', { sameAs: 's' }) },
    },
  },
  {
    rule: 'A hardlink may come before its target',
    alone: alone('a hardlink to a target that comes later is made at the end of the layer'),
    shown: {
      layers: [[file('low')], [hardlink('a', 'b'), hardlink('c', 'a'), file('b', 'up')]],
      tree: {
        low: has('low'),
        a: has('up', { sameAs: 'a' }),
        b: has('up', { sameAs: 'a' }),
        c: has('up', { sameAs: 'a' }),
      },
      otherwise: { umoci: 'refuses the image', podman: 'refuses the image' },
      isApart: true,
    },
  },
  {
    rule: 'A hardlink to what its own layer hides is to what the lower layers had',
    alone: alone('a hardlink to what only a lower layer can have is deferred, and its old path cleared'),
    shown: {
      layers: [
        [file('old'), file('low')],
        [whiteout('low'), hardlink('old', 'low')],
      ],
      tree: { old: has('low') },
      otherwise: { umoci: 'refuses the image', podman: 'refuses the image' },
      isApart: true,
    },
  },
  {
    rule: 'A hardlink whose target nobody has is an error',
    alone: alone('a hardlink to what only a lower layer can have is deferred, and its old path cleared'),
    shown: { layers: [[file('a')], [hardlink('b', 'none')]], fails: 'ERR_BOX_LAYER_INVALID' },
  },
  {
    rule: 'A leading / or ./ of a name is stripped, and .. inside the root is taken back',
    alone: alone('a leading / or ./ is stripped; .. inside the root is taken back'),
    shown: {
      layers: [
        [file('a', 'low'), file('b', 'low')],
        [file('/a', 'up'), file('./b', 'up'), directory('/d//e'), file('d/e/../f')],
      ],
      tree: { a: has('up'), b: has('up'), d: isDirectory(), 'd/e': isDirectory(), 'd/f': has('d/e/../f') },
    },
  },
  {
    rule: 'A name that leaves the root is an error',
    alone: alone('a name that leaves the root is an error: %s'),
    shown: {
      layers: [[file('a')], [file('../b')]],
      fails: 'ERR_BOX_LAYER_UNSAFE',
      otherwise: { umoci: 'keeps the file inside the root', podman: 'keeps the file inside the root' },
    },
  },
  {
    rule: "An entry . sets the root's attributes",
    alone: alone("an entry . sets the root's attributes; anything but a directory there is an error"),
    shown: {
      layers: [
        [directory('.', { mode: 0o700, uid: 1 }), file('a')],
        [directory('.', { mode: 0o1751, uid: 3, gid: 4, mtime: 5 })],
      ],
      tree: { '.': isDirectory({ mode: '1751', owner: '3:4', mtime: '5000000000' }), a: has('a') },
      isApart: true,
      otherwise: { podman: 'leaves the root the time of unpacking' },
    },
  },
  {
    rule: 'An entry . that is no directory is an error',
    alone: alone("an entry . sets the root's attributes; anything but a directory there is an error"),
    shown: { layers: [[file('a')], [file('.')]], fails: 'ERR_BOX_LAYER_INVALID' },
  },
  {
    rule: 'Names are bytes, and survive where they are no text',
    alone: alone('names are bytes, not text'),
    shown: {
      layers: [
        [directory('d'), { path: joined('d/', bytes), content: 'low' }, { path: joined('d/gone', bytes), content: '' }],
        [
          { path: joined('d/.wh.gone', bytes) },
          { path: joined('e/', bytes, '/x'), content: 'up' },
          { path: joined('e/', bytes, '/s'), type: 'symlink', link: bytes },
          { path: joined('e/h'), type: 'hardlink', link: joined('d/', bytes) },
        ],
      ],
      tree: {
        d: isDirectory(),
        [`d/${latin1}`]: has('low', { sameAs: `d/${latin1}` }),
        e: isDirectory(),
        'e/h': has('low', { sameAs: `d/${latin1}` }),
        [`e/${latin1}`]: isDirectory(),
        [`e/${latin1}/s`]: leads(latin1),
        [`e/${latin1}/x`]: has('up'),
      },
    },
  },
];
