import { createRing, RingWriter } from './byte-ring.ts';
import type { Compression } from './compression.ts';
import { decompress } from './decompress.ts';
import { openIgzip } from './igzip.ts';
import type { TarChannel } from './tar-channel.ts';

/** `size`: bytes of the blob. `file`: its path, when all of it is there. `memory`: gives what a ring may use. */
export function openChannel(
  compression: Compression,
  size: number,
  file: string | undefined,
  memory: () => SharedArrayBuffer,
): TarChannel {
  return (compression === 'gzip' ? openIgzip(size, file) : undefined) ?? ringChannel(compression, memory());
}

function ringChannel(compression: Compression, memory: SharedArrayBuffer): TarChannel {
  const ring = createRing(memory);
  const writer = new RingWriter(ring);
  return {
    input: { kind: 'ring', ring },
    async feed(start, chunks) {
      for await (const chunk of decompress(compression, start, chunks)) if (!(await writer.write(chunk))) return;
      writer.end();
    },
    halt() {
      writer.stop();
    },
  };
}
