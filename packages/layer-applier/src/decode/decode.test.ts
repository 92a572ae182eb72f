import { randomBytes } from 'node:crypto';
import { crc32, gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { requireTool, runCommand, temporaryDirectory, writeTar } from '@boxkit/testkit';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { extracted, failure, layerOf, paths } from '../extract/layer.fixture.ts';
import { parseDigest, parseDiffId } from '@boxkit/contracts';

const big = Buffer.from(Array.from({ length: 300_000 }, (_, i) => `${(i * 7919) % 10_007} `).join(''));
const tar = writeTar([
  { path: 'a', content: 'x' },
  { path: 'big', content: big },
  { path: 'z', content: 'last' },
]);
const gzip = gzipSync(tar);
const zstd = zstdCompressSync(tar);
const largeTar = writeTar([
  { path: 'random', content: randomBytes(1_100_000) },
  { path: 'z', content: 'last' },
]);
const largeGzip = gzipSync(largeTar);
const half = Math.floor(tar.length / 2 / 512) * 512;
const members = Buffer.concat([
  gzipSync(tar.subarray(0, half)),
  gzipSync(tar.subarray(half)),
  gzipSync(Buffer.alloc(0)),
]);
const skippable = Buffer.concat([Buffer.from('502a4d1804000000', 'hex'), Buffer.from('skip')]);
const frames = Buffer.concat([
  skippable,
  zstdCompressSync(tar.subarray(0, half)),
  skippable,
  zstdCompressSync(tar.subarray(half)),
]);

const blobs = [
  ['plain', tar],
  ['gzip', gzip],
  ['gzip of several members', members],
  ['gzip with zeros after it', Buffer.concat([gzip, Buffer.alloc(100_000)])],
  ['zstd', zstd],
  ['zstd of several frames, some to be skipped', frames],
] as const;

test.each(blobs)('%s is found by its magic bytes, in chunks of any size and from a file', async (_name, blob) => {
  for (const options of [{ chunk: 4096 }, { chunk: 65_537 }, { fromFile: true }]) {
    const { tree } = await extracted(tar, { blob, ...options });
    expect(paths(tree)).toEqual(['a', 'big', 'z']);
  }
});

test.each([
  ['gzip', members],
  ['zstd', frames],
] as const)('%s: members and frames may meet at any edge of a chunk', async (_name, blob) => {
  const small = writeTar([{ path: 'a', content: 'abc' }]);
  const compress = blob === members ? gzipSync : zstdCompressSync;
  const parts = Buffer.concat([compress(small.subarray(0, 512)), compress(small.subarray(512))]);
  for (const chunk of [1, 2, 3, compress(small.subarray(0, 512)).length]) {
    expect(paths((await extracted(small, { blob: parts, chunk })).tree)).toEqual(['a']);
  }
});

test.each([
  ['gzip', gzip.subarray(0, gzip.length - 9)],
  ['gzip without its checksum', gzip.subarray(0, gzip.length - 8)],
  ['the second gzip member', members.subarray(0, gzipSync(tar.subarray(0, half)).length + 50)],
  ['zstd', zstd.subarray(0, zstd.length - 9)],
  ['plain', tar.subarray(0, tar.length - 3000)],
])('%s that ends early is an error', async (_name, blob) => {
  for (const options of [{}, { chunk: 1000 }, { fromFile: true }]) {
    expect((await failure(tar, { blob, ...options })).code).toBe('ERR_BOX_LAYER_INVALID');
  }
});

test.each([
  ['gzip', gzip],
  ['zstd', zstd],
])('%s that is damaged is an error', async (_name, whole) => {
  const blob = Buffer.from(whole);
  const middle = Math.floor(blob.length / 2);
  blob.fill(0x55, middle, middle + 8);
  const error = await failure(tar, { blob });
  expect(['ERR_BOX_LAYER_INVALID', 'ERR_BOX_DIFFID_MISMATCH']).toContain(error.code);
});

test.each([
  ['bzip2', '425a6839314159265359'],
  ['xz', 'fd377a585a000004e6d6'],
  ['lz4', '04224d186440a7'],
])('%s is refused by its name', async (name, hex) => {
  const error = await failure(tar, { blob: Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(600)]) });
  expect(error.code).toBe('ERR_BOX_LAYER_UNSUPPORTED');
  expect(error.message).toContain(name);
});

test('the diffID is of the tar, not of the blob', async () => {
  const error = await failure(tar, { blob: gzip, diffId: parseDiffId(layerOf(gzip).diffId) });
  expect(error).toMatchObject({
    code: 'ERR_BOX_DIFFID_MISMATCH',
    fields: { layer: layerOf(gzip).descriptor.digest, received: layerOf(tar).diffId },
  });
});

test('a file of the store whose bytes are not those of the digest is told as that, even when they are no tar', async () => {
  const digest = parseDigest(`sha256:${'1'.repeat(64)}`);
  expect((await failure(tar, { blob: gzip, digest, fromFile: true })).code).toBe('ERR_BOX_DIGEST_MISMATCH');
  const garbage = Buffer.from('garbage'.repeat(1000));
  expect((await failure(tar, { blob: garbage, digest, fromFile: true })).code).toBe('ERR_BOX_DIGEST_MISMATCH');
});

test('blobs of the usual programs are read', async (context) => {
  requireTool(context, 'pigz', 'zstd', 'gzip');
  await using directory = await temporaryDirectory('decode');
  const path = join(directory.path, 'layer.tar');
  await writeFile(path, tar);
  for (const [program, ...args] of [['gzip'], ['pigz', '-11'], ['pigz'], ['zstd', '--long=27'], ['zstd', '-19']]) {
    const { stdout } = await runCommand(program ?? '', [...args, '-c', path], { encoding: 'latin1' });
    expect(paths((await extracted(tar, { blob: Buffer.from(stdout, 'latin1') })).tree)).toEqual(['a', 'big', 'z']);
  }
});

/** Random bytes beside what shrinks: one blob that is inflated whole, and one that goes through igzip or the stream. */
const sized = [
  ['a small blob', tar, gzip],
  ['a blob of more than a mebibyte', largeTar, largeGzip],
] as const;
const ways = [{}, { chunk: 65_537 }, { fromFile: true }];
const tails: readonly (readonly [string, Uint8Array])[] = [
  ['one zero', Buffer.alloc(1)],
  ["zeros up to a tape's block", Buffer.alloc(10_240)],
  ['a byte', Buffer.from('x')],
  ['garbage', Buffer.from('garbage '.repeat(5000))],
  ['half of a magic number, then garbage', Buffer.from('1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f', 'hex')],
  ['an empty member', gzipSync('')],
  ['empty members and garbage', Buffer.concat([gzipSync(''), gzipSync(''), Buffer.from('garbage')])],
  ['a member behind zeros', Buffer.concat([Buffer.alloc(512), gzipSync('not of the tar')])],
];
const brokenTails: readonly (readonly [string, Uint8Array])[] = [
  ['half of a magic number', Buffer.from([0x1f])],
  ['a magic number', Buffer.from('1f8b', 'hex')],
  ['a member of an unknown method', Buffer.from('1f8b07000000000000000000000000000000', 'hex')],
  ['a member with reserved flags', Buffer.from('1f8b08e00000000000000000000000000000', 'hex')],
  ['an empty member without its trailer', gzipSync('').subarray(0, -8)],
  ['an empty member without its last byte', gzipSync('').subarray(0, -1)],
  ['a damaged member', Buffer.concat([gzipSync('').subarray(0, 10), Buffer.alloc(40, 0xff)])],
  ['a member whose checksum is wrong', Buffer.from('1f8b080000000000000301000000ffff0100000000000000', 'hex')],
];

test.each(sized)(
  'what follows a gzip stream and is none is passed over, whoever inflates: %s',
  async (_name, made, blob) => {
    const whole = paths((await extracted(made, { blob })).tree);
    for (const [what, tail] of tails) {
      for (const way of ways) {
        const { tree } = await extracted(made, { blob: Buffer.concat([blob, tail]), ...way });
        expect([what, ...paths(tree)]).toEqual([what, ...whole]);
      }
    }
  },
);

test.each(sized)(
  'a further member that is damaged or ends early is an error, whoever inflates: %s',
  async (_name, made, blob) => {
    for (const [what, tail] of brokenTails) {
      for (const way of ways) {
        const error = await failure(made, { blob: Buffer.concat([blob, tail]), ...way });
        expect([what, error.code]).toEqual([what, 'ERR_BOX_LAYER_INVALID']);
      }
    }
  },
);

test('the same without igzip', async () => {
  vi.stubEnv('BOX_INFLATE', 'zlib');
  try {
    for (const [, tail] of tails) await extracted(largeTar, { blob: Buffer.concat([largeGzip, tail]) });
    for (const [, tail] of brokenTails) {
      expect((await failure(largeTar, { blob: Buffer.concat([largeGzip, tail]) })).code).toBe('ERR_BOX_LAYER_INVALID');
    }
    const damaged = Buffer.from(largeGzip);
    damaged.fill(0x55, 600_000, 600_100);
    for (const blob of [
      damaged,
      largeGzip.subarray(0, -4),
      largeGzip.subarray(0, -9),
      largeGzip.subarray(0, 700_000),
    ]) {
      for (const way of ways) expect((await failure(largeTar, { blob, ...way })).code).toBe('ERR_BOX_LAYER_INVALID');
    }
  } finally {
    vi.unstubAllEnvs();
  }
});

test("a gzip member's name, comment, extra field and header checksum are passed over", async () => {
  const body = gzip.subarray(10);
  const fields = Buffer.concat([
    Buffer.from([3, 0]),
    Buffer.from('abc'),
    Buffer.from('name\0comment\0'),
    Buffer.from([0, 0]),
  ]);
  const header = Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0x1f, 0, 0, 0, 0, 0, 3]), fields]);
  header.writeUInt16LE(crc32(header.subarray(0, -2)) & 0xffff, header.length - 2);
  const blob = Buffer.concat([header, body, Buffer.from('garbage')]);
  expect(paths((await extracted(tar, { blob })).tree)).toEqual(['a', 'big', 'z']);
});

test('a small blob whose tar is large is extracted like any other', async () => {
  const zeros = writeTar([{ path: 'zeros', content: Buffer.alloc(20_000_000) }]);
  const { index } = await extracted(zeros, { blob: gzipSync(zeros) });
  expect(index).toMatchObject([{ path: 'zeros', size: 20_000_000 }]);
});

test('gzip members of a blob that is inflated as it arrives meet at any edge of a chunk', async () => {
  const random = writeTar([{ path: 'random', content: randomBytes(700_000) }]);
  const [one, other] = [gzipSync(random.subarray(0, 300_001)), gzipSync(random.subarray(300_001))];
  for (const chunk of [one.length, one.length + 1, 65_537]) {
    const { tree } = await extracted(random, { blob: Buffer.concat([one, other]), chunk });
    expect(paths(tree)).toEqual(['random']);
  }
});
