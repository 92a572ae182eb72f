import { createRing, RingWriter } from './byte-ring.ts';
import type { Compression } from './compression.ts';
import { decompress } from './decompress.ts';
import { openIgzip } from './igzip.ts';
import type { TarChannel } from './tar-channel.ts';
import { isZstdDirect } from './zstd-direct.ts';

/** `size`: bytes of the blob. `file`: its path, when all of it is there. `memory`: gives what a ring may use. */
export function openChannel(
  compression: Compression,
  size: number,
  file: string | undefined,
  memory: () => SharedArrayBuffer,
): TarChannel {
  const accelerated = compression === 'gzip' ? openIgzip(size, file) : undefined;
  if (accelerated !== undefined) return accelerated;
  if (compression === 'zstd' && isZstdDirect()) return ringChannel('none', 'zstd', memory());
  return ringChannel(compression, 'none', memory());
}

/** `here` is undone before the ring, `there` by the worker. */
function ringChannel(here: Compression, there: 'none' | 'zstd', memory: SharedArrayBuffer): TarChannel {
  const ring = createRing(memory);
  const writer = new RingWriter(ring);
  return {
    input: { kind: 'ring', ring, compression: there },
    async feed(start, chunks) {
      for await (const chunk of decompress(here, start, chunks)) if (!(await writer.write(chunk))) return;
      writer.end();
    },
    halt() {
      writer.stop();
    },
  };
}
