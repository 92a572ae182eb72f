import { statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseDigest, parseDiffId, type ChainId } from '@boxkit/contracts';
import { createBudgets, extractLayer } from '@boxkit/layer-applier';

/** extract-box.ts BLOB DIGEST DIFFID DIRECTORY: one layer from a file, digest and diffID verified. */
const [blob = '', digest = '', diffId = '', directory = ''] = process.argv.slice(2);

await mkdir(directory);
const staged = await extractLayer({
  layer: {
    descriptor: { mediaType: 'application/octet-stream', digest: parseDigest(digest), size: statSync(blob).size },
    diffId: parseDiffId(diffId),
    chainId: diffId as ChainId,
  },
  stream: {
    path: blob,
    [Symbol.asyncIterator]: () => {
      throw new Error('the file is read instead');
    },
  },
  directory: resolve(directory),
  ownership: process.geteuid?.() === 0 ? 'host' : 'single',
  privileged: process.geteuid?.() === 0,
  whiteouts: 'record',
  budgets: createBudgets({ entries: 2_000_000 }),
  signal: new AbortController().signal,
  emit: () => {},
});
console.log(`${staged.entries} entries, ${process.resourceUsage().maxRSS} KiB`);
