import {
  alone,
  directory,
  file,
  hardlink,
  has,
  isDirectory,
  leads,
  stackTests,
  symlink,
  type LayerRule,
} from './layer-rule.ts';
import { star, sparseGnu, sparsePax, ustarPrefix, v7 } from './tar-forms.ts';
import { paxBlock } from '../tar/tar-fields.ts';
import { writeTar } from '../tar/tar-writer.ts';

const formatTests = 'packages/layer-applier/src/tar/formats.test.ts';
const decodeTests = 'packages/layer-applier/src/decode/decode.test.ts';
const long = `${'directory/'.repeat(12)}${'n'.repeat(200)}`;
const longTree = Object.fromEntries(
  Array.from({ length: 12 }, (_none, at) => [
    Array.from({ length: at + 1 }, () => 'directory').join('/'),
    isDirectory(),
  ]),
);
const holes = Buffer.alloc(300_000);
holes.write('one', 4096);
holes.write('two', 299_000);

/** The forms that a tar may have, and what it may be wrapped in. */
export const formatRules: readonly LayerRule[] = [
  {
    rule: 'v7 tars are read',
    alone: alone('%s is read as GNU tar reads it', formatTests),
    shown: {
      layers: [[file('a', 'low')], [file('a', 'up', { patch: v7 }), directory('d', { patch: v7, typeflag: '\0' })]],
      tree: { a: has('up'), d: isDirectory() },
    },
  },
  {
    rule: "ustar's prefix is a part of the name",
    alone: alone('%s is read as GNU tar reads it', formatTests),
    shown: {
      layers: [[directory('d'), file('d/e', 'low')], [file('d/e', 'up', { patch: ustarPrefix })]],
      tree: { d: isDirectory(), 'd/e': has('up') },
    },
  },
  {
    rule: "GNU's long names and link targets, and owners in base 256, are read",
    alone: alone(
      'random layers are extracted as GNU tar extracts them',
      'packages/layer-applier/src/extract/differential.test.ts',
    ),
    shown: {
      format: 'gnu',
      layers: [
        [file(long, 'low'), symlink('s', `/${long}`)],
        [
          file(long, 'up', { uid: 3_000_000_000, gid: 2 ** 21, mtime: 7 }),
          { ...hardlink('h', long), uid: 3_000_000_000, gid: 2 ** 21, mtime: 7 },
        ],
      ],
      tree: {
        ...longTree,
        [long]: has('up', { owner: '3000000000:2097152', mtime: '7000000000', sameAs: long }),
        h: has('up', { sameAs: long }),
        s: leads(`/${long}`),
      },
    },
  },
  {
    rule: 'pax records of path, linkpath, uid, gid and mtime beat the header',
    alone: alone(
      'pax: path, linkpath, size, uid, gid and mtime beat the header; an empty value gives them back',
      formatTests,
    ),
    shown: {
      layers: [
        [file(long, 'low')],
        [
          file('short', 'up', { pax: { path: 'p', uid: '3000000000', gid: '70000', mtime: '1.5' } }),
          {
            path: 'h',
            type: 'hardlink',
            link: 'short',
            pax: { linkpath: 'p', uid: '3000000000', gid: '70000', mtime: '1.5' },
          },
        ],
      ],
      tree: {
        ...longTree,
        [long]: has('low'),
        p: has('up', { owner: '3000000000:70000', mtime: '1500000000', sameAs: 'h' }),
        h: has('up', { sameAs: 'h' }),
      },
    },
  },
  {
    rule: 'A global pax header holds for all entries that follow, until their own',
    alone: alone('pax: a global header holds for all that follow, until their own', formatTests),
    shown: {
      layers: [
        [file('low')],
        [
          { raw: Buffer.concat(paxBlock('g', { mtime: '77', comment: 'x' })) },
          file('a'),
          file('b', 'b', { pax: { mtime: '78' } }),
        ],
      ],
      tree: { low: has('low'), a: has('a', { mtime: '77000000000' }), b: has('b', { mtime: '78000000000' }) },
      otherwise: { umoci: 'knows no global header', podman: 'knows no global header' },
      isApart: true,
    },
  },
  {
    rule: "star's headers are read",
    alone: alone("star's old sparse files are read, their map %s", formatTests),
    shown: {
      layers: [[directory('d'), file('d/e', 'low')], [file('d/e', 'up', { patch: star })]],
      tree: { d: isDirectory(), 'd/e': has('up') },
    },
  },
  {
    rule: "GNU's old sparse files are read, and have their holes again",
    alone: alone('holes stay holes (%s %s)', formatTests),
    shown: {
      layers: [[file('gnu', 'low')], [sparseGnu('gnu', holes)]],
      tree: { gnu: has(holes) },
      isApart: true,
      otherwise: { umoci: 'refuses the image', podman: 'refuses the image' },
    },
  },
  {
    rule: 'Sparse files of pax are read in each of their versions, and have their holes again',
    alone: alone('holes stay holes (%s %s)', formatTests),
    shown: {
      layers: [
        [file('one', 'low'), file('two', 'low')],
        [sparsePax('0.1', 'one', holes), sparsePax('1.0', 'two', holes)],
      ],
      tree: { one: has(holes), two: has(holes) },
    },
  },
  {
    rule: 'An entry of an unknown type is passed over with its data, with a warning',
    alone: alone('unknown types are skipped with their data, in one warning'),
    shown: {
      layers: [[file('a')], [{ path: 'odd', typeflag: 'Q', content: 'x'.repeat(700) }, file('b')]],
      tree: { a: has('a'), b: has('b') },
      isApart: true,
      otherwise: { umoci: 'refuses the image', podman: 'refuses the image' },
    },
  },
  {
    rule: "Bytes after the tar's end mark are read and belong to the diffID",
    alone: alone(
      'a tar without an end mark is complete; bytes after the mark are read and belong to the diffID',
      formatTests,
    ),
    shown: {
      layers: [
        [file('a'), { raw: Buffer.concat([Buffer.alloc(1024), Buffer.alloc(10_240, 7)]) }],
        [file('b'), { raw: Buffer.concat([Buffer.alloc(1024), writeTar([file('not-this')])]) }],
      ],
      tree: { a: has('a'), b: has('b') },
      isApart: true,
    },
  },
  {
    rule: 'Compression is found by the first bytes of the blob, whatever the media type says: gzip of several members, zstd of several frames, none',
    alone: alone('%s is found by its magic bytes, in chunks of any size and from a file', decodeTests),
    shown: {
      merged: { file: stackTests.merged, name: 'layers in every compression make one tree' },
      peers: {
        file: stackTests.peers,
        name: 'layers in every compression, their media types wrong, are the tree that podman makes',
      },
    },
  },
  {
    rule: 'A blob that ends early, or is damaged, is an error and leaves nothing',
    alone: alone('%s that ends early is an error', decodeTests),
    shown: {
      merged: {
        file: 'packages/testkit/src/rootfs-driver-suite.ts',
        name: 'a layer that fails leaves nothing, and the next attempt works',
      },
      peers: {
        file: stackTests.peers,
        name: 'a layer that ends early fails here and at the peers, and leaves nothing',
      },
    },
  },
  {
    rule: 'No more of a blob is read than its descriptor says',
    alone: alone('a byte too many', 'packages/fetcher/src/blobs/blob-reader.test.ts'),
    shown: {
      merged: { file: 'packages/store/src/blob-store.test.ts', name: 'ERR_BOX_SIZE_MISMATCH' },
      peers: { file: 'e2e/src/bad-input.test.ts', name: 'a blob that is too long' },
    },
  },
];
