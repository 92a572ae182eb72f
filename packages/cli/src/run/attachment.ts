import { type Attachment, rawTerminal } from '@boxkit/box';
import { writeBytes } from '../output/streams.ts';

export interface AttachmentConnection extends Disposable {
  /** Resolves when the person wants to leave. */
  readonly left: Promise<undefined>;
  /** Resolves when what had come has been written. */
  drained(): Promise<void>;
}

export interface AttachmentOptions {
  readonly stdin: boolean;
  /** What a person types to leave a terminal; see `parseKeys`. */
  readonly leaveKeys: Buffer;
}

/** Connects the caller's streams to a container's; a terminal is raw meanwhile. */
export function connectAttachment(attachment: Attachment, options: AttachmentOptions): AttachmentConnection {
  const { leaveKeys } = options;
  const { stdin, stdout } = process;
  const { promise: left, resolve: leave } = Promise.withResolvers<undefined>();
  let leaving = false;
  const written = (async (): Promise<void> => {
    for await (const { stream, bytes } of attachment.output) await writeBytes(stream, bytes);
  })();
  const resize = (): void => attachment.resize(stdout.columns, stdout.rows);
  if (attachment.terminal && stdout.isTTY) {
    resize();
    stdout.on('resize', resize);
  }
  let pending = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    if (!attachment.terminal) return attachment.write(chunk);
    const keys = Buffer.concat([pending, chunk]);
    const at = leaveKeys.length === 0 ? -1 : keys.indexOf(leaveKeys);
    const held = at === -1 ? begun(keys, leaveKeys) : 0;
    pending = keys.subarray(keys.length - held);
    attachment.write(keys.subarray(0, at === -1 ? keys.length - held : at));
    if (at === -1) return;
    leaving = true;
    leave(undefined);
  };
  const onEnd = (): void => attachment.end();
  const raw = options.stdin && attachment.terminal && stdin.isTTY ? rawTerminal(stdin.fd) : undefined;
  if (options.stdin) {
    stdin.on('data', onData);
    stdin.on('end', onEnd);
  }
  return {
    left,
    drained: () => (leaving ? Promise.resolve() : written),
    [Symbol.dispose]() {
      stdout.off('resize', resize);
      if (!options.stdin) return;
      stdin.off('data', onData);
      stdin.off('end', onEnd);
      raw?.[Symbol.dispose]();
      stdin.pause();
    },
  };
}

/** How many bytes at the end may be the beginning of `wanted`, of which more is to come. */
function begun(keys: Buffer, wanted: Buffer): number {
  for (let length = Math.min(wanted.length - 1, keys.length); length > 0; length--) {
    if (keys.subarray(keys.length - length).equals(wanted.subarray(0, length))) return length;
  }
  return 0;
}
